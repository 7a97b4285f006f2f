"""What google-genai and its transport raise, as docchat's own errors.

The messages name the status and nothing of the reply: an upstream body can quote the request.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from google.genai import errors

from docchat.errors import (
    AssistantUnavailable,
    KeyRefused,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
)

MALFORMED_REPLY = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What reading a reply raises that is not JSON, or not of the API's shape."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


@contextmanager
def translated() -> Iterator[None]:
    """Raises a `ServiceError` for everything that the block's call to Gemini raises.

    Raises:
        KeyRefused: the key is not valid, or not any more.
        AssistantUnavailable: the model's name or the account is refused.
        UpstreamBusy: no quota, overloaded, or not reachable.
        UpstreamTimeout: a time-out, here or behind Gemini.
        UpstreamBadResponse: anything else.
    """
    try:
        yield
    except errors.APIError as exc:
        raise _from_reply(exc) from exc
    except httpx2.TimeoutException as exc:
        raise UpstreamTimeout(f"Gemini did not answer in time: {type(exc).__name__}") from exc
    except httpx2.ConnectError as exc:
        raise UpstreamBusy("Gemini cannot be reached", reason="unreachable") from exc
    except httpx2.HTTPError as exc:
        raise UpstreamBadResponse(f"the connection to Gemini broke: {type(exc).__name__}") from exc
    except MALFORMED_REPLY as exc:
        raise UpstreamBadResponse(f"Gemini's reply is malformed: {type(exc).__name__}") from exc


def _from_reply(exc: errors.APIError) -> ServiceError:
    text = f"Gemini answered {exc.code}"
    details = _details(exc.details)
    wait_s = _retry_delay(details)
    match exc.code:
        case 429 if wait_s is None:  # out of quota, and no word on for how long
            return UpstreamBusy(text, retries=1)
        case 429 | 503:
            return UpstreamBusy(text, wait_s=wait_s)
        case 408 | 504:
            return UpstreamTimeout(text)
        case 500 | 502:
            return UpstreamBadResponse(text)
    return _refusal(exc, text, details) or UpstreamBadResponse(text, retries=0)


def _refusal(
    exc: errors.APIError, text: str, details: list[dict[str, Any]]
) -> AssistantUnavailable | None:
    """What is wrong with our set-up; None when nothing is."""
    match exc.code:
        case 400 if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            return KeyRefused(f"{text}: the key is not valid")
        case 400 if exc.status == "FAILED_PRECONDITION":  # the region, or billing
            return AssistantUnavailable(f"{text}: the account may not use the API")
        case 401 | 403:
            return KeyRefused(f"{text}: the key is refused")
        case 404:
            return AssistantUnavailable(f"{text}: there is no such model", reason="model-missing")
        case _:
            return None


def _details(body: object) -> list[dict[str, Any]]:
    """`error.details` of a reply of which nothing is sure; the SDK parses none of it."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []


def _retry_delay(details: list[dict[str, Any]]) -> float | None:
    """Seconds of a `google.rpc.RetryInfo`; None without one."""
    for detail in details:
        if match := _SECONDS.fullmatch(str(detail.get("retryDelay"))):
            return float(match[1])
    return None
