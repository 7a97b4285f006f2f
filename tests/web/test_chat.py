import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from docchat.core.models import (
    Event,
    Finish,
    Outcome,
    Question,
    Source,
    Sources,
    TextDelta,
    Usage,
)
from docchat.errors import ContentFiltered, UpstreamBusy, UpstreamTimeout

Chat = Callable[[Callable[[Question], AsyncGenerator[Event]]], AbstractContextManager[httpx.Client]]
SSE = {"Accept": "text/event-stream"}
SOURCE = Source(1, "Install › Linux", "https://docs.example.com/install#linux", "Run it.", "id-1")


async def good(question: Question) -> AsyncGenerator[Event]:
    yield Sources((SOURCE,))
    yield TextDelta("Héllo [1]")
    yield TextDelta(f" {question.text}")
    yield Finish(Outcome.ANSWERED, Usage(10, 5))


async def late(_: Question) -> AsyncGenerator[Event]:
    yield TextDelta("so far")
    raise UpstreamTimeout("no piece for 15 s")


def parts(response: httpx.Response) -> list[dict[str, Any]]:
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


def test_a_query_gets_json(chat: Chat) -> None:
    with chat(good) as client:
        response = client.post("/chat", json={"query": "there"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["response"] == "Héllo [1] there"
    assert body["outcome"] == "answered"
    assert body["sources"] == [
        {
            "n": 1,
            "title": "Install › Linux",
            "url": "https://docs.example.com/install#linux",
            "snippet": "Run it.",
        }
    ]
    assert body["id"] == response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"


def test_accept_event_stream_gets_the_ui_message_stream(chat: Chat) -> None:
    with chat(good) as client:
        response = client.post("/chat", json={"query": "there"}, headers=SSE)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    got = parts(response)
    assert [part["type"] for part in got] == [
        "start",
        "source-url",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "finish",
    ]
    assert got[0] == {"type": "start", "messageId": response.headers["x-request-id"]}
    assert got[1] == {
        "type": "source-url",
        "sourceId": "1",
        "url": SOURCE.url,
        "title": SOURCE.title,
        "providerMetadata": {"docchat": {"n": 1, "snippet": "Run it."}},
    }
    assert {part["id"] for part in got[2:-1]} == {"0"}
    assert got[-1]["messageMetadata"] == {"outcome": "answered", "finish": "stop"}


@pytest.mark.parametrize(
    ("body", "accept", "streams"),
    [
        ({"query": "q"}, "*/*", False),
        ({"query": "q"}, "text/event-stream", True),
        ({"messages": [{"role": "user", "content": "q"}]}, "*/*", True),
        ({"messages": [{"role": "user", "content": "q"}]}, "application/json", False),
    ],
)
def test_who_gets_a_stream(chat: Chat, body: dict[str, Any], accept: str, *, streams: bool) -> None:
    with chat(good) as client:
        response = client.post("/chat", json=body, headers={"Accept": accept})
    assert response.headers["content-type"].startswith("text/event-stream") is streams


def test_an_early_failure_keeps_its_status_even_for_a_stream(chat: Chat) -> None:
    async def busy(_: Question) -> AsyncGenerator[Event]:
        raise UpstreamBusy("429 RESOURCE_EXHAUSTED")
        yield TextDelta("")  # type: ignore[unreachable]

    with chat(busy) as client:
        response = client.post("/chat", json={"query": "q"}, headers=SSE)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "30"
    assert response.json()["type"] == "urn:docchat:problem:upstream-busy"
    assert "RESOURCE_EXHAUSTED" not in response.text


def test_a_late_failure_of_a_stream_is_one_terminal_error(chat: Chat) -> None:
    with chat(late) as client:
        response = client.post("/chat", json={"query": "q"}, headers=SSE)
    assert response.status_code == 200
    got = parts(response)
    assert [part["type"] for part in got] == ["start", "text-start", "text-delta", "error"]
    error = json.loads(got[-1]["errorText"])
    assert error == {
        "type": "urn:docchat:problem:upstream-timeout",
        "detail": UpstreamTimeout.detail,
        "request_id": response.headers["x-request-id"],
    }


def test_a_late_failure_of_a_json_answer_keeps_its_status(chat: Chat) -> None:
    with chat(late) as client:
        response = client.post("/chat", json={"query": "q"})
    assert response.status_code == 504
    assert "so far" not in response.text


def test_a_json_answer_that_was_stopped_for_safety_is_withheld_altogether(chat: Chat) -> None:
    async def stopped(_: Question) -> AsyncGenerator[Event]:
        yield Sources((SOURCE,))
        yield TextDelta("so far")
        raise ContentFiltered("SAFETY")

    with chat(stopped) as client:
        response = client.post("/chat", json={"query": "q"})
    assert response.status_code == 200
    body = response.json()
    assert (body["outcome"], body["sources"]) == ("refused", [])
    assert body["response"] == ContentFiltered.detail


@pytest.mark.parametrize("headers", [{}, SSE])
def test_an_answer_without_a_finish_is_never_a_success(chat: Chat, headers: dict[str, str]) -> None:
    async def cut(_: Question) -> AsyncGenerator[Event]:
        yield TextDelta("half")

    with chat(cut) as client:
        response = client.post("/chat", json={"query": "q"}, headers=headers)
    assert "finish" not in response.text
    assert "upstream-truncated" in response.text


def test_a_bug_is_a_500_that_tells_nothing(chat: Chat) -> None:
    async def bug(_: Question) -> AsyncGenerator[Event]:
        raise ZeroDivisionError("secret detail")
        yield TextDelta("")  # type: ignore[unreachable]

    with chat(bug) as client:
        response = client.post("/chat", json={"query": "q"})
    assert response.status_code == 500
    assert response.json()["type"] == "urn:docchat:problem:internal"
    assert "secret detail" not in response.text


def test_a_client_that_leaves_closes_the_answer(chat: Chat) -> None:
    closed = threading.Event()

    async def endless(_: Question) -> AsyncGenerator[Event]:
        try:
            while True:
                yield TextDelta("more ")
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    with chat(endless) as client:
        with client.stream("POST", "/chat", json={"query": "q"}, headers=SSE) as response:
            next(response.iter_bytes())
        assert closed.wait(timeout=2)


def test_pieces_arrive_before_the_end(chat: Chat) -> None:
    read_the_first = threading.Event()

    async def waits(_: Question) -> AsyncGenerator[Event]:
        yield TextDelta("first")
        while not read_the_first.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.01)
        yield TextDelta("last")
        yield Finish(Outcome.ANSWERED, Usage())

    with (
        chat(waits) as client,
        client.stream("POST", "/chat", json={"query": "q"}, headers=SSE) as response,
    ):
        text = ""
        for piece in response.iter_text():
            text += piece
            if "first" in text and not read_the_first.is_set():
                assert "last" not in text
                read_the_first.set()
    assert text.endswith("data: [DONE]\n\n")
