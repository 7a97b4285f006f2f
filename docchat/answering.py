"""The one chat flow: contextualise, embed, retrieve, keep or abstain, prompt, stream, cite."""

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from docchat.core import small_talk
from docchat.core.conversation import recent, search_text
from docchat.core.models import (
    Event,
    Finish,
    Outcome,
    Passage,
    Piece,
    Prompt,
    Question,
    Retrieved,
    Sources,
    SparseVector,
    TextDelta,
    Trace,
    Usage,
    Vector,
)
from docchat.core.prompt import compose, most_tokens
from docchat.core.ranking import within_budget
from docchat.core.search_answer import ONE_WORD, OVER_BUDGET, SEARCH_ONLY, search_answer
from docchat.core.sparse import encode_query
from docchat.grounding import abstention, grounded

_PASSAGES = 15
HISTORY_CHARS = 4000
"""How much of the conversation the model gets."""

_MARKER_BYTES = 16


class QueryEmbedder(Protocol):
    """Turns a question into a vector of the index's space."""

    async def embed_query(self, text: str) -> Vector:
        """Raises a `ServiceError` of docchat.errors when there is no vector."""
        ...


class PassageIndex(Protocol):
    """Finds passages."""

    async def search(self, dense: Vector, sparse: SparseVector, limit: int) -> Retrieved:
        """The `limit` best passages of a hybrid search, in one round trip.

        Raises:
            IndexUnavailable: the index cannot be reached, or nothing is published.
            UpstreamTimeout: it took too long.
        """
        ...


class Generator(Protocol):
    """Streams a model's answer."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Pieces as they arrive; the last one has a finish reason.

        Raises:
            UpstreamTruncated: the stream ended without a finish reason.
            ServiceError: any other failure, before or between pieces.
        """
        ...


class Reservation(Protocol):
    """Tokens set aside for one answer."""

    def settle(self, used: int) -> None:
        """Give back what was not used."""
        ...


class Budget(Protocol):
    """The day's tokens."""

    def reserve(self, tokens: int) -> Reservation | None:
        """Set tokens aside; None when the day has not that many left."""
        ...


@dataclass(frozen=True, slots=True)
class Clients:
    """What the flow talks to."""

    embedder: QueryEmbedder
    index: PassageIndex
    generator: Generator
    budget: Budget


Connect = Callable[[], Awaitable[Clients]]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a site wants its questions answered.

    Attributes:
        site_name: what the model is told it answers for.
        context_chars: how much text of passages the model gets, in characters.
        abstain_below: cosine of the nearest chunk under which the docs are taken not to cover
            the question. It depends on the embedding model; 0 leaves the decision to the model.
        max_output_tokens: the most that one answer may take, for the budget.
        search_only: show the nearest pages and never ask the model.
    """

    site_name: str
    context_chars: int = 8000
    abstain_below: float = 0.0
    max_output_tokens: int = 2048
    search_only: bool = False


class _Watch:
    """Puts the times of the stages into the trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._started = time.monotonic()

    def ms(self) -> int:
        """Since the start of the answer."""
        return round((time.monotonic() - self._started) * 1000)


async def answer(
    question: Question, connect: Connect, policy: Policy, trace: Trace
) -> AsyncGenerator[Event]:
    """Answer from the documentation, as events; the last one is a `Finish`.

    Nothing is yielded before the model's first piece has arrived, so a caller can wait for the
    first event and still report an early failure as what it is.

    Args:
        question: what is asked, with its history.
        connect: gives the clients; not called when the question needs none.
        policy: the site's rules.
        trace: filled in on the way, for the log.

    Raises:
        ServiceError: retrieval or generation failed. It never becomes an ungrounded answer.
    """
    watch = _Watch(trace)
    async with aclosing(_events(question, connect, policy, watch)) as events:
        async for event in events:
            trace.first_event_ms = trace.first_event_ms or watch.ms()
            if isinstance(event, Sources):
                trace.cited_chunks += [source.chunk_id for source in event.sources]
            if isinstance(event, Finish):
                trace.outcome, trace.usage = event.outcome, event.usage
            yield event


async def _events(
    question: Question, connect: Connect, policy: Policy, watch: _Watch
) -> AsyncGenerator[Event]:
    kind_words = small_talk.reply(question.text, site_name=policy.site_name)
    if kind_words:
        fixed: Sequence[Event] = [TextDelta(kind_words), Finish(Outcome.ANSWERED, Usage())]
    else:
        clients = await connect()
        passages = await _retrieve(question, clients, policy, watch)
        topic = not question.history and small_talk.is_one_word(question.text)
        if passages and not (topic or policy.search_only):
            async with aclosing(_generate(question, passages, clients, policy)) as stream:
                async for event in stream:
                    yield event
            return
        intro = ONE_WORD if topic else SEARCH_ONLY
        fixed = search_answer(passages, intro) if passages else abstention(Usage())
    for event in fixed:
        yield event


async def retrieve(question: Question, clients: Clients, policy: Policy) -> tuple[Passage, ...]:
    """The passages that the model gets to see; none when the docs do not cover the question."""
    return await _retrieve(question, clients, policy, _Watch(Trace()))


async def _retrieve(
    question: Question, clients: Clients, policy: Policy, watch: _Watch
) -> tuple[Passage, ...]:
    text, trace = search_text(question), watch.trace
    vector = await clients.embedder.embed_query(text)
    trace.embedded_ms = watch.ms()
    found = await clients.index.search(vector, encode_query(text), _PASSAGES)
    trace.retrieved_ms = watch.ms()
    trace.best_cosine, trace.index_version = round(found.best_cosine, 4), found.index_version
    if found.best_cosine < policy.abstain_below:
        return ()
    passages = within_budget(found.passages, max_chars=policy.context_chars)
    trace.passages = len(passages)
    return passages


async def _generate(
    question: Question,
    passages: tuple[Passage, ...],
    clients: Clients,
    policy: Policy,
) -> AsyncGenerator[Event]:
    prompt = compose(
        replace(question, history=recent(question.history, max_chars=HISTORY_CHARS)),
        passages,
        marker=secrets.token_hex(_MARKER_BYTES),
        site_name=policy.site_name,
    )
    reservation = clients.budget.reserve(most_tokens(prompt) + policy.max_output_tokens)
    if reservation is None:
        for event in search_answer(passages, OVER_BUDGET):
            yield event
        return
    async with (
        aclosing(clients.generator.stream(prompt)) as pieces,
        aclosing(grounded(pieces, passages)) as events,
    ):
        async for event in events:
            if isinstance(event, Finish):
                reservation.settle(event.usage.input_tokens + event.usage.output_tokens)
            yield event
