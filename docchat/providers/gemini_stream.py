"""Gemini's stream of events as docchat's pieces: finish reasons, usage, and a prompt end."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, suppress
from typing import Any

import httpx2
from google.genai import errors

from docchat.core.models import FinishReason, Piece, Usage
from docchat.errors import UpstreamBadResponse, UpstreamTruncated
from docchat.providers.gemini_arrivals import arrived
from docchat.providers.gemini_errors import MALFORMED_REPLY, translated

_DRAIN_S = 0.25
_BROKEN_OFF = (httpx2.NetworkError, httpx2.ProtocolError)
_BLOCKING = (
    "SAFETY RECITATION LANGUAGE OTHER BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR"
    " ESCALATION MALFORMED_RESPONSE IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION"
)
_FINISH = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    **dict.fromkeys(_BLOCKING.split(), FinishReason.BLOCKED),
}


async def pieces_of(reply: httpx2.Response) -> AsyncGenerator[Piece]:
    """Pieces up to the first finish reason; what comes after it is ignored.

    Events that have arrived together are one piece: each piece costs, and nobody sees it sooner
    alone.

    Raises:
        UpstreamTruncated: the stream broke off, or ended for no reason that we know, after text.
        ServiceError: any other failure.
    """
    heard, drain_s = _Heard(), 0.0
    batches = _batches(reply)
    try:
        with translated():
            async for batch in batches:
                for piece in heard.pieces(batch):
                    drain_s = _DRAIN_S if piece.finish else 0.0
                    yield piece
                    if piece.finish:
                        return
    except UpstreamBadResponse as exc:
        if heard.said and isinstance(exc.__cause__, _BROKEN_OFF):
            raise UpstreamTruncated(str(exc)) from exc
        raise
    finally:
        await _let_go(reply, batches, drain_s)
    raise _unfinished("the stream ended without a finish reason", said=heard.said)


class _Heard:
    """What the events of an answer have said so far."""

    def __init__(self) -> None:
        self.said = False
        self._usage: Usage | None = None

    def pieces(self, batch: Iterable[bytes]) -> Iterator[Piece]:
        """One piece of all these events; where one of them cannot be read, of those before it."""
        text = ""
        try:
            for event in map(_object, batch):
                self._usage = _usage(event) or self._usage
                more = _text(event)
                finish = _finish(event, said=self.said)
                text += more
                self.said = self.said or bool(text)
                if finish:
                    yield Piece(text, finish, self._usage)
                    return
        except Exception:
            if text:
                yield Piece(text, usage=self._usage)
            raise
        if text:
            yield Piece(text, usage=self._usage)


async def _batches(reply: httpx2.Response) -> AsyncGenerator[list[bytes]]:
    """The JSON of each event. An error may come as one, or as bare JSON in place of events."""
    rest, lines = b"", list[bytes]()
    async with aclosing(arrived(reply.aiter_bytes())) as parts:
        async for part in parts:
            *whole, rest = (rest + part).split(b"\n")
            batch = list[bytes]()
            for line in whole:
                if line.strip():
                    lines.append(line.removeprefix(b"data:"))
                elif lines:
                    batch.append(b"".join(lines))
                    lines.clear()
            if batch:
                yield batch
    if left := b"".join([*lines, rest.removeprefix(b"data:")]).strip():
        yield [left]


def _object(text: bytes) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(text)
    if error := event.get("error"):
        raise errors.APIError(error.get("code"), event)
    return event


def _text(event: dict[str, Any]) -> str:
    candidates = event.get("candidates")
    content = candidates[0].get("content") if candidates else None
    parts = (content.get("parts") if content else None) or ()
    return "".join(part["text"] for part in parts if part.get("text") and not part.get("thought"))


def _finish(event: dict[str, Any], *, said: bool) -> FinishReason | None:
    if event.get("promptFeedback", {}).get("blockReason"):
        return FinishReason.BLOCKED
    candidates = event.get("candidates")
    reason = candidates[0].get("finishReason") if candidates else None
    if reason is None:
        return None
    if reason not in _FINISH:
        raise _unfinished(f"the model stopped for another reason: {reason[:40]}", said=said)
    return _FINISH[reason]


def _unfinished(why: str, *, said: bool) -> UpstreamBadResponse:
    return UpstreamTruncated(why) if said else UpstreamBadResponse(why, retries=1)


def _usage(event: dict[str, Any]) -> Usage | None:
    counts = event.get("usageMetadata")
    if counts is None:
        return None
    output = counts.get("candidatesTokenCount", 0) + counts.get("thoughtsTokenCount", 0)
    return Usage(counts.get("promptTokenCount", 0), output)


async def _let_go(
    reply: httpx2.Response, batches: AsyncGenerator[list[bytes]], drain_s: float
) -> None:
    """Free the connection: read what is left of the stream for `drain_s`, then break it off.

    A stream that was read to its end leaves a connection to reuse. One that is broken off is
    broken off by cancelling a read, which unwinds the transport's nested generators from the
    inside; closing the outermost would leave the others to the garbage collector.
    """
    # What follows the finish reason does not matter, nor does how a stream ends nobody reads.
    ignored = (TimeoutError, errors.APIError, httpx2.HTTPError, *MALFORMED_REPLY)
    try:
        with suppress(*ignored):
            async with asyncio.timeout(drain_s):
                async for _ in batches:
                    pass
    finally:
        await reply.aclose()
