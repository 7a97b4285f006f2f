import socket
import traceback
from typing import Any

import httpx2
import pytest

from docchat.errors import (
    AssistantUnavailable,
    KeyRefused,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
)
from docchat.providers.gemini import Gemini
from tests.providers.scripted_gemini import (
    KEY,
    Script,
    close,
    connected,
    reply,
    reset,
    said,
    stall,
    talking,
)

CANARY = "what the visitor asked"


def error(code: int, status: str, *details: dict[str, Any]) -> Script:
    body = {"error": {"code": code, "message": CANARY, "status": status, "details": [*details]}}
    return reply(body, f"{code} {status}")


def retry_in(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
HELP = {"@type": "type.googleapis.com/google.rpc.Help", "links": []}

# What Gemini does, our error, its word for /health, Retry-After, retries it is worth.
MAPPING: list[tuple[Script, type[ServiceError], str, int | None, int]] = [
    (error(400, "INVALID_ARGUMENT"), UpstreamBadResponse, "bad-response", None, 0),
    (error(400, "INVALID_ARGUMENT", BAD_KEY), KeyRefused, "key-refused", 30, 0),
    (error(400, "FAILED_PRECONDITION"), AssistantUnavailable, "refused", 30, 0),
    (error(401, "UNAUTHENTICATED"), KeyRefused, "key-refused", 30, 0),
    (error(403, "PERMISSION_DENIED"), KeyRefused, "key-refused", 30, 0),
    (error(404, "NOT_FOUND"), AssistantUnavailable, "model-missing", 30, 0),
    (error(408, "DEADLINE_EXCEEDED"), UpstreamTimeout, "timeout", None, 2),
    (error(429, "RESOURCE_EXHAUSTED", HELP, retry_in("31.2s")), UpstreamBusy, "busy", 32, 2),
    (error(429, "RESOURCE_EXHAUSTED", retry_in("0s")), UpstreamBusy, "busy", 1, 2),
    (error(429, "RESOURCE_EXHAUSTED", retry_in("soon")), UpstreamBusy, "busy", 30, 1),
    (error(429, "RESOURCE_EXHAUSTED", HELP), UpstreamBusy, "busy", 30, 1),
    (error(500, "INTERNAL"), UpstreamBadResponse, "bad-response", None, 2),
    (error(503, "UNAVAILABLE"), UpstreamBusy, "busy", 30, 2),
    (error(503, "UNAVAILABLE", retry_in("2s")), UpstreamBusy, "busy", 2, 2),
    (error(504, "DEADLINE_EXCEEDED"), UpstreamTimeout, "timeout", None, 2),
    (reply(b"<html>" + CANARY.encode(), "502 Bad"), UpstreamBadResponse, "bad-response", None, 2),
    (reply(b"<html>" + CANARY.encode(), "429 Slow"), UpstreamBusy, "busy", 30, 1),
    (reply(b"[]", "500 Error"), UpstreamBadResponse, "bad-response", None, 2),
    (reply({"error": "no"}, "500 Error"), UpstreamBadResponse, "bad-response", None, 2),
    (reply({"error": {"details": "no"}}, "429 Slow"), UpstreamBusy, "busy", 30, 1),
    (reply(b"", "302 Found"), UpstreamBadResponse, "bad-response", None, 0),
    (reply(b"<html>" + CANARY.encode()), UpstreamBadResponse, "bad-response", None, 2),
    (reset, UpstreamBadResponse, "bad-response", None, 2),
    (close, UpstreamBadResponse, "bad-response", None, 2),
]


async def embed(gemini: Gemini) -> None:
    await gemini.embed_query("q")


@pytest.mark.parametrize("call", [embed, said, Gemini.check_models])
@pytest.mark.parametrize(("script", "expected", "facts"), [(s, e, f) for s, e, *f in MAPPING])
async def test_every_failure_becomes_one_of_ours(
    call: Any, script: Script, expected: type[ServiceError], facts: list[Any]
) -> None:
    async with talking(script) as (_, gemini):
        with pytest.raises(expected) as caught:
            await call(gemini)
    failure = caught.value
    assert type(failure) is expected
    assert [failure.reason, failure.retry_after, failure.retries] == facts
    assert CANARY not in str(failure)
    assert KEY not in "".join(traceback.format_exception(failure))


@pytest.mark.parametrize("call", [embed, said, Gemini.check_models])
async def test_a_reply_that_does_not_come_is_a_time_out(call: Any) -> None:
    async with talking(stall, timeouts=httpx2.Timeout(0.2)) as (_, gemini):
        with pytest.raises(UpstreamTimeout):
            await call(gemini)


@pytest.mark.parametrize("call", [embed, said, Gemini.check_models])
async def test_a_server_that_is_not_there_is_unreachable(call: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with connected(f"http://127.0.0.1:{unused.getsockname()[1]}") as gemini:
            with pytest.raises(UpstreamBusy) as caught:
                await call(gemini)
    assert caught.value.reason == "unreachable"


async def test_nothing_is_retried_in_here() -> None:
    async with talking(error(503, "UNAVAILABLE")) as (upstream, gemini):
        with pytest.raises(UpstreamBusy):
            await said(gemini)
    assert len(upstream.heads) == 1
