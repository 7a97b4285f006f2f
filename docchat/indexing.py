"""One index run: chunks → vectors → a new version of the index → published in one step."""

from collections.abc import Sequence
from typing import Protocol

from docchat.core.models import Manifest, Point, Vector


class DocumentEmbedder(Protocol):
    """Turns texts into vectors."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in order, of unit length. At most `EMBED_BATCH` texts a call.

        Raises:
            ServiceError: there are no usable vectors for the whole batch.
        """
        ...


class IndexStore(Protocol):
    """Holds versions of an index, of which at most one is published.

    Readers see the published version whole or, after `publish`, the next one whole. Every
    method raises `IndexUnavailable` or `UpstreamTimeout` when the store cannot be used.
    """

    async def manifest(self) -> Manifest | None:
        """The published version's manifest, or None when nothing is published."""
        ...

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Dense vectors of those of these chunks that the published version holds."""
        ...

    async def begin(self, manifest: Manifest) -> str:
        """Make an empty, unpublished version that carries this manifest; returns its name.

        Raises:
            IndexLocked: another run is writing this index.
        """
        ...

    async def add(self, version: str, points: Sequence[Point]) -> None:
        """Write points into an unpublished version; the same id again replaces it."""
        ...

    async def count(self, version: str) -> int:
        """How many points the version holds."""
        ...

    async def publish(self, version: str) -> None:
        """Make this the version that readers see, in one atomic step.

        The version published before is kept, older ones are dropped.
        """
        ...

    async def discard(self, version: str) -> None:
        """Drop an unpublished version, after a run that failed."""
        ...
