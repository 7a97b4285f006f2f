"""From the model's pieces to events that can be shown: cited, declared, and ended for a reason."""

from collections.abc import AsyncGenerator, AsyncIterator

from docchat.core.abstention import AbstentionDetector
from docchat.core.canary import LeakWatch
from docchat.core.ground import Ground
from docchat.core.models import (
    Event,
    Finish,
    FinishReason,
    Outcome,
    Piece,
    TextDelta,
    Usage,
)
from docchat.core.output_filter import OutputFilter, readable
from docchat.core.search_answer import not_found
from docchat.core.wording import Wording
from docchat.errors import ContentFiltered, UpstreamBadResponse, UpstreamTruncated

MAX_ANSWER_CHARS = 65_536
"""No answer is longer, whatever the model sends; the longest that it is asked for is half of it."""


async def grounded(
    pieces: AsyncIterator[Piece], ground: Ground, watch: LeakWatch
) -> AsyncGenerator[Event]:
    """The events of an answer; the last one is a `Finish`.

    Args:
        pieces: the model's stream; the last one has a finish reason.
        ground: what it may cite and link to, and the words for every other ending.
        watch: stops the answer where the model recites its rules.

    Raises:
        ContentFiltered: the model was stopped for safety after a part was sent.
        UpstreamTruncated: the stream ended without a finish reason.
        UpstreamBadResponse: the model finished and said nothing.
    """
    shown, declaration = OutputFilter(ground.passages, ground.link_hosts), AbstentionDetector()
    usage, finish, sent, left = Usage(), None, False, MAX_ANSWER_CHARS
    async for piece in pieces:
        usage, finish = piece.usage or usage, piece.finish or finish
        text = readable(piece.text[:left])
        if watch.see(text):
            break
        for event in shown.feed(declaration.feed(text)):
            sent = sent or _says_something(event)
            yield event
        left -= len(piece.text)
        if left < 0:
            finish = FinishReason.LENGTH
            break
    if watch.leaked:
        finish = FinishReason.BLOCKED
    else:
        for event in [*shown.feed(declaration.close()), *shown.close()]:
            sent = sent or _says_something(event)
            yield event
    if declaration.declared and finish not in (None, FinishReason.BLOCKED):
        for event in not_found(ground, usage, after_text=sent):
            yield event
        return
    for event in _ending(finish, ground.wording, cited=shown.cited > 0, usage=usage, sent=sent):
        yield event


def _says_something(event: Event) -> bool:
    return isinstance(event, TextDelta) and not event.text.isspace()


def _ending(
    finish: FinishReason | None,
    wording: Wording,
    *,
    cited: bool,
    usage: Usage,
    sent: bool,
) -> list[Event]:
    if finish is None:
        raise UpstreamTruncated("the model's stream ended without a finish reason")
    if finish is FinishReason.BLOCKED and sent:
        raise ContentFiltered("the model was stopped in the middle of its answer")
    if finish is FinishReason.BLOCKED:
        return [TextDelta(wording.refused), Finish(Outcome.REFUSED, usage, finish)]
    if not sent:
        # Asked again, a model may find words; one that thought up to its limit will do so again.
        retries = 1 if finish is FinishReason.STOP else 0
        raise UpstreamBadResponse(f"no text, finish reason {finish}", retries=retries)
    if finish is FinishReason.LENGTH:
        return [TextDelta(f"\n\n{wording.cut}"), Finish(Outcome.PARTIAL, usage, finish)]
    return [Finish(Outcome.ANSWERED if cited else Outcome.PARTIAL, usage)]
