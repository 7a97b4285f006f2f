"""What the chat flow needs from outside, as Protocols; the runtime hands in what fulfils them."""

from collections.abc import AsyncGenerator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from docchat.core.models import (
    EVERYWHERE,
    Event,
    Piece,
    Prompt,
    Retrieved,
    Scope,
    SparseVector,
    Vector,
)


class QueryEmbedder(Protocol):
    """Turns a question into a vector of the index's space."""

    async def embed_query(self, text: str) -> Vector:
        """Raises a `ServiceError` of docchat.errors when there is no vector."""
        ...


class PassageIndex(Protocol):
    """Finds passages."""

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """The `limit` best passages of a hybrid search within the scope, in one round trip.

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
    """What the flow talks to. Equal means the very same clients, so the same keys.

    Attributes:
        answers: what other visitors were answered, by `answer_key`; None keeps nothing.
    """

    embedder: QueryEmbedder
    index: PassageIndex
    generator: Generator
    budget: Budget
    answers: MutableMapping[str, Sequence[Event]] | None = field(default=None, compare=False)


class Connect(Protocol):
    """Gives the clients for the current keys."""

    async def __call__(self, refused: Clients | None = None) -> Clients:
        """The clients, built when they are first asked for.

        Args:
            refused: clients whose key an upstream has refused. The keys are then read again
                before their time; equal clients come back when none has changed.

        Raises:
            AssistantUnavailable: a setting is missing, or Secret Manager did not give a key.
        """
        ...
