import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing

import httpx2
import pytest
from google.genai import types

from docchat.core.models import FinishReason, Piece, Prompt, Role, Turn, Usage
from docchat.errors import (
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
    UpstreamTruncated,
)
from emulators.gemini import create_app
from emulators.server import serve_in_thread
from tests.providers.scripted_gemini import (
    PROMPT,
    Script,
    chunk,
    close,
    connected,
    in_one_packet,
    pause,
    reset,
    said,
    stall,
    stream,
    talking,
)


async def _drained(pieces: AsyncIterator[Piece], into: list[Piece]) -> None:
    async for piece in pieces:
        into.append(piece)  # noqa: PERF401 - it may end in an error


async def pieces_of(script: Script) -> list[Piece]:
    async with talking(script) as (_, gemini):
        return await said(gemini)


async def test_the_prompt_is_sent_with_the_rules_apart_and_no_sampling_parameters() -> None:
    turns = (Turn(Role.USER, "q1"), Turn(Role.ASSISTANT, "a1"), Turn(Role.USER, "q2"))
    async with talking(stream(chunk("x", "STOP")), max_output_tokens=99) as (upstream, gemini):
        async for _ in gemini.stream(Prompt("the rules", turns)):
            pass
    body = upstream.bodies[0]
    assert body["systemInstruction"]["parts"] == [{"text": "the rules"}]
    assert [(c["role"], c["parts"][0]["text"]) for c in body["contents"]] == [
        ("user", "q1"),
        ("model", "a1"),
        ("user", "q2"),
    ]
    thinking = {"thinking_level": "LOW"}
    assert body["generationConfig"] == {"maxOutputTokens": 99, "thinkingConfig": thinking}
    assert "POST /v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse" in upstream.heads[0]


async def test_only_gemini_3_is_told_how_much_to_think() -> None:
    async with talking(stream(chunk("x", "STOP")), generative_model="gemini-2.5-flash") as (
        upstream,
        gemini,
    ):
        await said(gemini)
    assert "thinkingConfig" not in upstream.bodies[0]["generationConfig"]


async def test_text_comes_in_pieces_and_usage_with_the_last() -> None:
    counts = {"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 30}
    script = stream(
        chunk("Hello "), then=pause(chunk("", usageMetadata=counts), chunk("world", "STOP"))
    )
    pieces = await pieces_of(script)
    assert pieces == [Piece("Hello "), Piece("world", FinishReason.STOP, Usage(7, 32))]


async def test_usage_that_comes_without_text_is_not_lost() -> None:
    thought = {"parts": [{"text": "hm", "thought": True}]}
    counts = {"promptTokenCount": 7, "thoughtsTokenCount": 30}
    event = {"candidates": [{"content": thought}], "usageMetadata": counts}
    pieces = await pieces_of(stream(event, then=pause(chunk("Yes.", "STOP"))))
    assert pieces == [Piece("Yes.", FinishReason.STOP, Usage(7, 30))]


async def test_events_that_arrive_together_are_one_piece() -> None:
    counts = {"promptTokenCount": 7, "candidatesTokenCount": 2}
    events = [*(chunk(f"{n} ") for n in range(200)), chunk("", "STOP", usageMetadata=counts)]
    pieces = await pieces_of(in_one_packet(*events))
    text = "".join(f"{n} " for n in range(200))
    assert pieces == [Piece(text, FinishReason.STOP, Usage(7, 2))]


async def test_thoughts_are_not_text() -> None:
    parts = [{"text": "let me see", "thought": True}, {"text": "Yes."}]
    event = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}
    assert await pieces_of(stream(event)) == [Piece("Yes.", FinishReason.STOP)]


BLOCKED = {
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_RESPONSE",
    "MODEL_ARMOR",
    "ESCALATION",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}
MEANT = {"STOP": FinishReason.STOP, "MAX_TOKENS": FinishReason.LENGTH} | dict.fromkeys(
    BLOCKED, FinishReason.BLOCKED
)
NO_REASON = [reason.name for reason in types.FinishReason if reason.name not in MEANT]


@pytest.mark.parametrize(("sent", "meant"), MEANT.items())
async def test_finish_reasons_are_told_apart(sent: str, meant: FinishReason) -> None:
    pieces = await pieces_of(stream(chunk("text"), then=pause(chunk(None, sent))))
    assert pieces == [Piece("text"), Piece("", meant)]
    assert await pieces_of(stream(chunk("text"), chunk(None, sent))) == [Piece("text", meant)]


@pytest.mark.filterwarnings("ignore:.*is not a valid FinishReason")
@pytest.mark.parametrize("reason", [*NO_REASON, "A_REASON_OF_NEXT_YEAR"])
async def test_every_other_finish_reason_is_truncation(reason: str) -> None:
    with pytest.raises(UpstreamTruncated, match=reason):
        await pieces_of(stream(chunk("text"), chunk(None, reason)))
    with pytest.raises(UpstreamTruncated, match=reason):
        await pieces_of(stream(chunk("text"), then=pause(chunk(None, reason))))


@pytest.mark.filterwarnings("ignore:.*is not a valid BlockedReason")
@pytest.mark.parametrize(
    "reason", [*(reason.name for reason in types.BlockedReason), "A_REASON_OF_NEXT_YEAR"]
)
async def test_a_blocked_question_is_an_answer_that_is_blocked(reason: str) -> None:
    event = {"promptFeedback": {"blockReason": reason}}
    assert await pieces_of(stream(event)) == [Piece("", FinishReason.BLOCKED)]


async def test_what_follows_the_finish_reason_is_ignored() -> None:
    script = stream(chunk("a", "STOP"), chunk("b"), b"not json", chunk("c", "SAFETY"))
    assert await pieces_of(script) == [Piece("a", FinishReason.STOP)]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(stream(chunk("text")), id="no finish reason"),
        pytest.param(stream(chunk("text"), then=close), id="closed"),
        pytest.param(stream(chunk("text"), then=reset), id="reset"),
    ],
)
async def test_a_stream_without_a_proper_end_is_truncated(script: Script) -> None:
    with pytest.raises(UpstreamTruncated):
        await pieces_of(script)


@pytest.mark.parametrize(
    ("script", "retries"),
    [
        pytest.param(stream(), 1, id="no events"),
        pytest.param(stream({"candidates": []}), 1, id="no candidates"),
        pytest.param(stream(chunk("")), 1, id="no finish reason"),
        pytest.param(stream(chunk(None, "CONTINUATION")), 1, id="no known reason"),
        pytest.param(stream({"candidates": []}, then=close), 2, id="closed"),
        pytest.param(stream({"candidates": []}, then=reset), 2, id="reset"),
    ],
)
async def test_a_stream_that_ends_without_text_is_a_bad_response(
    script: Script, retries: int
) -> None:
    with pytest.raises(UpstreamBadResponse) as caught:
        await pieces_of(script)
    assert type(caught.value) is UpstreamBadResponse
    assert caught.value.retries == retries


@pytest.mark.parametrize(
    "event",
    [b"<html>", b'{"candidates": [', b"[]", b"5", b'{"candidates": 5}', b'{"error": "no"}'],
)
async def test_an_event_that_cannot_be_read_is_a_bad_response(event: bytes) -> None:
    with pytest.raises(UpstreamBadResponse):
        await pieces_of(stream(chunk("text"), event))


async def test_an_error_inside_a_stream_is_that_error() -> None:
    event = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    with pytest.raises(UpstreamBusy):
        await pieces_of(stream(chunk("text"), event))


@pytest.mark.parametrize("bad", [b"<html>", {"error": {"code": 503}}, chunk(None, "CONTINUATION")])
async def test_what_was_said_before_an_event_that_fails_is_a_piece(bad: object) -> None:
    got: list[Piece] = []
    async with (
        talking(stream(chunk("Hello "), chunk("world"), bad)) as (_, gemini),
        aclosing(gemini.stream(PROMPT)) as pieces,
    ):
        with pytest.raises(ServiceError):
            await _drained(pieces, got)
    assert got == [Piece("Hello world")]


async def test_a_stream_that_stalls_is_a_time_out() -> None:
    async with talking(stream(chunk("text"), then=stall), timeouts=httpx2.Timeout(0.2)) as (
        _,
        gemini,
    ):
        with pytest.raises(UpstreamTimeout):
            await said(gemini)


async def test_a_character_that_is_split_between_packets_is_whole() -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        event = '{"candidates":[{"content":{"parts":[{"text":"é€😀"}]},"finishReason":"STOP"}]}'
        body = f"data: {event}\r\n\r\n".encode()
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for i in range(len(body)):
            writer.write(body[i : i + 1])
            await writer.drain()

    assert await pieces_of(send) == [Piece("é€😀", FinishReason.STOP)]


async def test_closing_the_answer_early_hangs_up_at_once_and_quietly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with talking(stream(*[chunk("a")] * 5, then=stall)) as (upstream, gemini):
        with caplog.at_level(logging.WARNING):
            async with aclosing(gemini.stream(PROMPT)) as pieces:
                await anext(pieces)
            await asyncio.wait_for(upstream.hung_up.wait(), 1.0)
            gc.collect()
            await asyncio.sleep(0.05)
    assert caplog.messages == []


async def test_cancelling_whoever_reads_hangs_up_at_once() -> None:
    async with talking(stream(chunk("a"), then=stall)) as (upstream, gemini):
        reading = asyncio.create_task(said(gemini))
        await asyncio.sleep(0.3)
        assert not reading.done()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(upstream.hung_up.wait(), 1.0)


async def test_a_stream_that_goes_on_after_its_end_is_left() -> None:
    async with talking(stream(chunk("a", "STOP"), then=stall)) as (upstream, gemini):
        assert await asyncio.wait_for(said(gemini), 2.0) == [Piece("a", FinishReason.STOP)]
        await asyncio.wait_for(upstream.hung_up.wait(), 1.0)


async def test_answers_that_end_share_a_connection() -> None:
    connections = set()

    async def send(writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername"))
        await stream(chunk("a", "STOP"))(writer)

    async with talking(send) as (_, gemini):
        for _ in range(3):
            await said(gemini)
    assert len(connections) == 1


async def test_more_than_a_hundred_answers_stream_at_once() -> None:
    app = create_app(delay_s=0.5)
    with serve_in_thread(app) as url:
        patient = httpx2.Timeout(60)
        async with connected(url, timeouts=patient) as gemini, AsyncExitStack() as stack:
            streams = [
                await stack.enter_async_context(aclosing(gemini.stream(PROMPT))) for _ in range(101)
            ]
            first = await asyncio.gather(*(anext(pieces) for pieces in streams))
            assert all(piece.text for piece in first)
            assert app.state.stats.open_streams == 101
