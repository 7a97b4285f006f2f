"""The one chat flow: contextualise, embed, retrieve, keep or abstain, prompt, stream, cite."""

from collections.abc import AsyncIterator
from typing import Protocol

from docchat.core.models import Piece, Prompt, Retrieved, SparseVector, Vector


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

    def stream(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """Pieces as they arrive; the last one has a finish reason.

        Raises:
            UpstreamTruncated: the stream ended without a finish reason.
            ServiceError: any other failure, before or between pieces.
        """
        ...
