"""What google-genai and its transport raise, as docchat's own errors.

The messages name the status and nothing of the reply: an upstream body can quote the request.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from google.genai import errors

from docchat.errors import (
    AssistantUnavailable,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
)

MALFORMED_REPLY = (ValueError, TypeError, AttributeError, LookupError)
"""What the SDK lets through when a reply is not JSON, or not of the shape that it expects.

`json.JSONDecodeError`, `UnknownApiResponseError` and pydantic's `ValidationError` are among the
`ValueError`s.
"""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


@contextmanager
def translated() -> Iterator[None]:
    """Raises a `ServiceError` for everything that the block's call to Gemini raises.

    Raises:
        AssistantUnavailable: the key, the model's name or the account is refused.
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
        raise _unreachable() from exc
    except httpx2.HTTPError as exc:
        raise UpstreamBadResponse(f"the connection to Gemini broke: {type(exc).__name__}") from exc
    except MALFORMED_REPLY as exc:
        raise UpstreamBadResponse(f"Gemini's reply is malformed: {type(exc).__name__}") from exc


def _from_reply(exc: errors.APIError) -> ServiceError:
    text = f"Gemini answered {exc.code}"
    details = _details(exc.details)
    if exc.code in {429, 503}:
        return _busy(text, details)
    if exc.code in {408, 504}:
        return UpstreamTimeout(text)
    if refusal := _refusal(exc, details):
        why, reason = refusal
        return AssistantUnavailable(f"{text}: {why}", reason=reason)
    return UpstreamBadResponse(text)


def _refusal(exc: errors.APIError, details: list[dict[str, Any]]) -> tuple[str, str] | None:
    """What is wrong with our set-up, and the word for it; None when nothing is."""
    match exc.code:
        case 400 if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            return "the key is not valid", "key-refused"
        case 400 if exc.status == "FAILED_PRECONDITION":  # the region, or billing
            return "the account may not use the API", "refused"
        case 401 | 403:
            return "the key is refused", "key-refused"
        case 404:
            return "there is no such model", "model-missing"
        case _:
            return None


def _busy(text: str, details: list[dict[str, Any]]) -> UpstreamBusy:
    error = UpstreamBusy(text)
    error.retry_after = _retry_delay(details) or error.retry_after
    return error


def _unreachable() -> UpstreamBusy:
    error = UpstreamBusy("Gemini cannot be reached")
    error.reason = "unreachable"
    return error


def _details(body: object) -> list[dict[str, Any]]:
    """`error.details` of a reply of which nothing is sure; the SDK parses none of it."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []


def _retry_delay(details: list[dict[str, Any]]) -> int | None:
    """Whole seconds of a `google.rpc.RetryInfo`, rounded up; None without one."""
    for detail in details:
        if match := _SECONDS.fullmatch(str(detail.get("retryDelay"))):
            return max(1, math.ceil(float(match[1])))
    return None
