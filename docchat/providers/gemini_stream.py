"""Gemini's stream of chunks as docchat's pieces: finish reasons, usage, and a prompt end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import httpx2
from google.genai import errors, types

from docchat.core.models import FinishReason, Piece, Usage
from docchat.errors import UpstreamBadResponse, UpstreamTruncated
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


async def pieces_of(
    chunks: AsyncIterator[types.GenerateContentResponse],
) -> AsyncGenerator[Piece]:
    """Pieces up to the first finish reason; what comes after it is ignored.

    Raises:
        UpstreamTruncated: the stream broke off, or ended for no reason that we know, after text.
        ServiceError: any other failure.
    """
    usage: Usage | None = None
    said, drain_s = False, 0.0
    try:
        with translated():
            async for chunk in chunks:
                usage = _usage(chunk) or usage
                text, finish = _text(chunk), _finish(chunk, said=said)
                if finish:
                    drain_s = _DRAIN_S
                    yield Piece(text, finish, usage)
                    return
                if text:
                    said = True
                    yield Piece(text, usage=usage)
    except UpstreamBadResponse as exc:
        if said and isinstance(exc.__cause__, _BROKEN_OFF):
            raise UpstreamTruncated(str(exc)) from exc
        raise
    finally:
        await _let_go(chunks, drain_s)
    raise _unfinished("the stream ended without a finish reason", said=said)


def _text(chunk: types.GenerateContentResponse) -> str:
    content = chunk.candidates[0].content if chunk.candidates else None
    parts = (content.parts if content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _finish(chunk: types.GenerateContentResponse, *, said: bool) -> FinishReason | None:
    if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
        return FinishReason.BLOCKED
    reason = chunk.candidates[0].finish_reason if chunk.candidates else None
    if reason is None:
        return None
    if reason.name not in _FINISH:
        raise _unfinished(f"the model stopped for another reason: {reason.name[:40]}", said=said)
    return _FINISH[reason.name]


def _unfinished(why: str, *, said: bool) -> UpstreamBadResponse:
    return UpstreamTruncated(why) if said else UpstreamBadResponse(why, retries=1)


def _usage(chunk: types.GenerateContentResponse) -> Usage | None:
    counts = chunk.usage_metadata
    if counts is None:
        return None
    output = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
    return Usage(counts.prompt_token_count or 0, output)


async def _let_go(chunks: AsyncIterator[types.GenerateContentResponse], drain_s: float) -> None:
    """Free the connection: read what is left of the stream for `drain_s`, then break it off.

    A stream that was read to its end leaves a connection to reuse. One that is broken off is
    broken off by cancelling a read, which unwinds the SDK's nested generators from the inside;
    closing the outermost would leave the others, and the socket, to the garbage collector.
    """
    # What follows the finish reason does not matter, nor does how a stream ends nobody reads.
    ignored = (TimeoutError, errors.APIError, httpx2.HTTPError, *MALFORMED_REPLY)
    with suppress(*ignored):
        async with asyncio.timeout(drain_s):
            async for _ in chunks:
                pass
