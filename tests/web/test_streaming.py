import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from starlette.responses import Response

from docchat.core.models import Event, Finish, FinishReason, Outcome, TextDelta, Usage
from docchat.errors import ContentFiltered, UpstreamTruncated
from docchat.web import openai_chat, ui_stream
from docchat.web.app import Call
from docchat.web.streaming import StreamFormat, streamed
from tests.web.conftest import serve_routes

Events = Callable[[], AsyncGenerator[Event]]
FORMATS = [ui_stream.FORMAT, openai_chat._format(with_usage=False)]
PROTOCOLS = pytest.mark.parametrize("wire", FORMATS, ids=["ui", "openai"])
STOP = Finish(Outcome.ANSWERED, Usage())


@contextmanager
def serving(
    events: Events, wire: StreamFormat[Event], drain: asyncio.Event | None = None
) -> Iterator[httpx.Client]:
    async def post(call: Call) -> Response:
        return await streamed(call, events(), wire, drain or asyncio.Event())

    with serve_routes({"/": {"POST": post}}) as client:
        yield client


def ask(events: Events, wire: StreamFormat[Event], drain: asyncio.Event | None = None) -> str:
    with serving(events, wire, drain) as client:
        return client.post("/").text


def last_part(text: str) -> dict[str, object]:
    """The one before `[DONE]`, which ends the stream once and for all."""
    *_, last, done, nothing = text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    assert text.count("[DONE]") == 1
    part: dict[str, object] = json.loads(last.removeprefix("data: "))
    return part


async def hesitant() -> AsyncGenerator[Event]:
    yield TextDelta("one ")
    await asyncio.sleep(0.2)
    yield TextDelta("two")
    yield STOP


@PROTOCOLS
def test_a_silence_is_filled_with_comments_and_nothing_else_changes(
    wire: StreamFormat[Event],
) -> None:
    events = ask(hesitant, replace(wire, keep_alive_s=0.04)).split("\n\n")
    comments = [event for event in events if event.startswith(":")]
    assert set(comments) == {": keep-alive"}
    assert 2 <= len(comments) <= 5
    kinds = [event[:20] for event in events if not event.startswith(":")]
    assert kinds == [event[:20] for event in ask(hesitant, wire).split("\n\n")]


@PROTOCOLS
def test_a_silence_is_waited_for_and_not_watched(wire: StreamFormat[Event]) -> None:
    async def silent() -> AsyncGenerator[Event]:
        yield TextDelta("one ")
        await asyncio.sleep(0.5)
        yield STOP

    with serving(silent, wire) as client:
        before = time.process_time()
        client.post("/")
        assert time.process_time() - before < 0.3  # an endless look at the clock takes 0.5 s


@PROTOCOLS
def test_there_are_no_comments_while_there_is_something_to_say(wire: StreamFormat[Event]) -> None:
    async def steady() -> AsyncGenerator[Event]:
        for _ in range(20):
            yield TextDelta("word ")
            await asyncio.sleep(0.02)
        yield STOP

    assert ": keep-alive" not in ask(steady, replace(wire, keep_alive_s=0.3))


@PROTOCOLS
def test_an_instance_that_goes_ends_a_silent_stream(wire: StreamFormat[Event]) -> None:
    drain, closed = asyncio.Event(), threading.Event()

    async def silent() -> AsyncGenerator[Event]:
        try:
            yield TextDelta("one ")
            asyncio.get_running_loop().call_later(0.1, drain.set)
            await asyncio.sleep(60)
        finally:
            closed.set()

    text = ask(silent, replace(wire, keep_alive_s=0.03), drain)
    assert "instance-shutting-down" in str(last_part(text))
    assert closed.is_set()


@PROTOCOLS
def test_an_instance_that_goes_after_the_last_event_adds_no_second_end(
    wire: StreamFormat[Event],
) -> None:
    drain = asyncio.Event()

    async def slow_to_close() -> AsyncGenerator[Event]:
        yield TextDelta("all")
        yield STOP
        drain.set()
        await asyncio.sleep(60)

    text = ask(slow_to_close, wire, drain)
    assert last_part(text)
    assert "instance-shutting-down" not in text


@PROTOCOLS
def test_a_client_that_leaves_in_a_silence_closes_the_answer_within_a_second(
    wire: StreamFormat[Event],
) -> None:
    closed = threading.Event()

    async def silent() -> AsyncGenerator[Event]:
        try:
            yield TextDelta("one ")
            await asyncio.sleep(60)
        finally:
            closed.set()

    with serving(silent, wire) as client:
        with client.stream("POST", "/") as response:
            next(response.iter_bytes())
        left = time.monotonic()
        assert closed.wait(timeout=5)
        assert time.monotonic() - left < 1.0


def cut_short() -> Event:
    return Finish(Outcome.PARTIAL, Usage(), FinishReason.LENGTH)


def refused() -> Event:
    return Finish(Outcome.REFUSED, Usage(), FinishReason.BLOCKED)


def filtered() -> Event:
    raise ContentFiltered("SAFETY")


def truncated() -> Event:
    raise UpstreamTruncated("no finish reason")


@pytest.mark.parametrize(
    ("end", "ui", "openai"),
    [
        (lambda: STOP, '"finish": "stop"', '"finish_reason": "stop"'),
        (cut_short, '"finish": "length"', '"finish_reason": "length"'),
        (refused, '"outcome": "refused"', '"finish_reason": "content_filter"'),
        (filtered, "content-filtered", '"finish_reason": "content_filter"'),
        (truncated, "upstream-truncated", '"code": "upstream-truncated"'),
    ],
)
def test_every_ending_is_one_that_the_protocol_knows(
    end: Callable[[], Event], ui: str, openai: str
) -> None:
    async def events() -> AsyncGenerator[Event]:
        yield TextDelta("text")
        yield end()

    for wire, sign in zip(FORMATS, (ui, openai), strict=True):
        assert sign in json.dumps(last_part(ask(events, wire))).replace('\\"', '"')
