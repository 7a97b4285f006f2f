"""The one chat flow: contextualise, embed, retrieve, keep or abstain, prompt, stream, cite."""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from docchat.core.abstention import Declaration
from docchat.core.citations import CitationFilter
from docchat.core.conversation import recent, search_text
from docchat.core.models import (
    Event,
    Finish,
    FinishReason,
    Outcome,
    Passage,
    Piece,
    Prompt,
    Question,
    Retrieved,
    SparseVector,
    TextDelta,
    Usage,
    Vector,
)
from docchat.core.prompt import compose
from docchat.core.ranking import within_budget
from docchat.core.sparse import encode_query
from docchat.errors import UpstreamBadResponse, UpstreamTruncated

_PASSAGES = 15
_HISTORY_CHARS = 4000
_MARKER_BYTES = 16

NOT_FOUND_TEXT = "I could not find an answer to that in this documentation."
REFUSED_TEXT = "I cannot answer that question."


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


@dataclass(frozen=True, slots=True)
class Policy:
    """How a site wants its questions answered.

    Attributes:
        site_name: what the model is told it answers for.
        context_chars: how much text of passages the model gets, in characters.
        abstain_below: cosine of the nearest chunk under which the docs are taken not to cover
            the question. It depends on the embedding model; 0 leaves the decision to the model.
    """

    site_name: str
    context_chars: int
    abstain_below: float


async def answer(
    question: Question,
    *,
    embedder: QueryEmbedder,
    index: PassageIndex,
    generator: Generator,
    policy: Policy,
) -> AsyncGenerator[Event]:
    """Answer from the documentation, as events; the last one is a `Finish`.

    Nothing is yielded before the model's first piece has arrived, so a caller can wait for the
    first event and still report an early failure as what it is.

    Raises:
        ServiceError: retrieval or generation failed. It never becomes an ungrounded answer.
    """
    passages = await retrieve(question, embedder=embedder, index=index, policy=policy)
    if not passages:
        for event in _abstain(Usage()):
            yield event
        return
    prompt = compose(
        replace(question, history=recent(question.history, max_chars=_HISTORY_CHARS)),
        passages,
        marker=secrets.token_hex(_MARKER_BYTES),
        site_name=policy.site_name,
    )
    async with aclosing(generator.stream(prompt)) as pieces:
        async for event in _grounded(pieces, passages):
            yield event


async def retrieve(
    question: Question, *, embedder: QueryEmbedder, index: PassageIndex, policy: Policy
) -> tuple[Passage, ...]:
    """The passages that the model gets to see; none when the docs do not cover the question."""
    text = search_text(question)
    found = await index.search(await embedder.embed_query(text), encode_query(text), _PASSAGES)
    if found.best_cosine < policy.abstain_below:
        return ()
    return within_budget(found.passages, max_chars=policy.context_chars)


async def _grounded(
    pieces: AsyncIterator[Piece], passages: tuple[Passage, ...]
) -> AsyncGenerator[Event]:
    declaration, citations = Declaration(), CitationFilter(passages)
    usage, finish, sent = Usage(), None, False
    async for piece in pieces:
        usage, finish = piece.usage or usage, piece.finish or finish
        for event in citations.feed(declaration.feed(piece.text)):
            sent = True
            yield event
    for event in [*citations.feed(declaration.close()), *citations.close()]:
        sent = True
        yield event
    for event in _ending(finish, declaration, citations, usage=usage, sent=sent):
        yield event


def _ending(
    finish: FinishReason | None,
    declaration: Declaration,
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
        return _abstain(usage)
    if not sent:
        raise UpstreamBadResponse(f"the model sent no text (finish reason: {finish})")
    complete = finish is FinishReason.STOP and citations.cited > 0
    return [Finish(Outcome.ANSWERED if complete else Outcome.PARTIAL, usage)]


def _abstain(usage: Usage) -> list[Event]:
    return [TextDelta(NOT_FOUND_TEXT), Finish(Outcome.NOT_FOUND, usage)]
