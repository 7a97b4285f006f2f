"""From the model's pieces to events that can be shown: cited, declared, and ended for a reason."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from docchat.core.abstention import AbstentionDetector
from docchat.core.citations import CitationFilter
from docchat.core.models import (
    Event,
    Finish,
    FinishReason,
    Outcome,
    Passage,
    Piece,
    TextDelta,
    Usage,
)
from docchat.errors import UpstreamBadResponse, UpstreamTruncated

NOT_FOUND_TEXT = "I could not find an answer to that in this documentation."
REFUSED_TEXT = "I cannot answer that question."


async def grounded(
    pieces: AsyncIterator[Piece], passages: Sequence[Passage]
) -> AsyncGenerator[Event]:
    """The events of an answer; the last one is a `Finish`.

    Args:
        pieces: the model's stream; the last one has a finish reason.
        passages: what the model was given, in the order of their numbers.

    Raises:
        UpstreamTruncated: the stream ended without a finish reason.
        UpstreamBadResponse: the model finished and said nothing.
    """
    declaration, citations = AbstentionDetector(), CitationFilter(passages)
    usage, finish, sent = Usage(), None, False
    async for piece in pieces:
        usage, finish = piece.usage or usage, piece.finish or finish
        for event in citations.feed(declaration.feed(piece.text)):
            sent = sent or _says_something(event)
            yield event
    for event in [*citations.feed(declaration.close()), *citations.close()]:
        sent = sent or _says_something(event)
        yield event
    for event in _ending(finish, declaration, citations, usage=usage, sent=sent):
        yield event


def _says_something(event: Event) -> bool:
    return isinstance(event, TextDelta) and not event.text.isspace()


def _ending(
    finish: FinishReason | None,
    declaration: AbstentionDetector,
    citations: CitationFilter,
    *,
    usage: Usage,
    sent: bool,
) -> list[Event]:
    if finish is None:
        raise UpstreamTruncated("the model's stream ended without a finish reason")
    if finish is FinishReason.BLOCKED:
        notice = REFUSED_TEXT if not sent else f"\n\n{REFUSED_TEXT}"
        return [TextDelta(notice), Finish(Outcome.REFUSED, usage)]
    if declaration.declared:
        return abstention(usage)
    if not sent:
        raise UpstreamBadResponse(f"the model sent no text (finish reason: {finish})")
    complete = finish is FinishReason.STOP and citations.cited > 0
    return [Finish(Outcome.ANSWERED if complete else Outcome.PARTIAL, usage)]


def abstention(usage: Usage) -> list[Event]:
    """What is said when the docs do not cover the question."""
    return [TextDelta(NOT_FOUND_TEXT), Finish(Outcome.NOT_FOUND, usage)]
