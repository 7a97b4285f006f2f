"""Questions that were asked before: their vectors, and what a first question was answered with."""

import time
from array import array
from collections.abc import AsyncGenerator, Callable, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from cachetools import TTLCache

from docchat.clients import QueryEmbedder
from docchat.core.models import Event, Finish, Outcome, Trace, Usage, Vector
from docchat.core.repeats import digest

MOST_VECTORS = 1000
"""Of 768 numbers, 6 KB each."""

MOST_ANSWERS = 500


class Repeats:
    """Keeps both for some time, by a hash of the question.

    Args:
        keep_s: for how many seconds; 0 keeps nothing.
        clock: seconds, never set back.
    """

    def __init__(self, keep_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._vectors: TTLCache[str, Vector] = TTLCache(MOST_VECTORS, keep_s, clock)
        self.answers: TTLCache[str, Sequence[Event]] = TTLCache(MOST_ANSWERS, keep_s, clock)

    def of(self, embedder: QueryEmbedder) -> QueryEmbedder:
        """The embedder, asked only for vectors that are not here."""
        return _Remembering(embedder, self._vectors)


@dataclass(frozen=True, slots=True)
class _Remembering:
    embedder: QueryEmbedder
    vectors: MutableMapping[str, Vector] = field(compare=False)

    async def embed_query(self, text: str) -> Vector:
        """As `QueryEmbedder.embed_query`."""
        key = digest(text)
        kept = self.vectors.get(key)
        if kept is None:
            kept = self.vectors[key] = array("d", await self.embedder.embed_query(text))
        return kept


async def once(
    key: str | None,
    made: AsyncGenerator[Event],
    answers: MutableMapping[str, Sequence[Event]] | None,
    trace: Trace,
) -> AsyncGenerator[Event]:
    """What is kept under the key, or else what is made now, which is kept if it is an answer.

    Args:
        key: None for what is to be made in any case.
        made: the events of a new answer; not begun where there is one.
        answers: the kept ones; None keeps nothing.
        trace: is told whether it was one of them.
    """
    if key is None or answers is None:
        async with aclosing(made):
            async for event in made:
                yield event
        return
    if kept := answers.get(key):
        trace.repeated = True
        for event in kept:
            yield event
        return
    events: list[Event] = []
    async with aclosing(made):
        async for event in made:
            if isinstance(event, Finish) and event.outcome is Outcome.ANSWERED:
                answers[key] = (*events, Finish(event.outcome, Usage(), event.reason))
            events.append(event)
            yield event
