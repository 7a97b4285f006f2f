"""What an index run needs from outside, as Protocols."""

from collections.abc import Callable, Sequence
from typing import Protocol

from docchat.core.models import Manifest, Point, Vector
from docchat.core.payload import Held, Stored, Version

EMBED_BATCH = 100
"""Texts a call; the Gemini API takes no more."""

Progress = Callable[[int, int], None]
"""Told how many chunks are done, and of how many."""


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

    Readers see the published version whole or, after `publish`, the next one whole. What was
    added to a version outlives the process that added it. Every method raises `IndexUnavailable`
    or `UpstreamTimeout` when the store cannot be used.
    """

    @property
    def layout(self) -> str:
        """How it keeps an index, in words; an index that is kept differently is written anew."""
        ...

    async def acquire(self, *, to_write: bool = True) -> None:
        """Become the only run that may write this index.

        A run that will not write is kept out only where it would disturb the one that does.

        Raises:
            IndexLocked: another run is.
        """
        ...

    async def check(self) -> None:
        """Return if no other run can have written this index since `acquire`.

        Raises:
            IndexLocked: another run has taken over.
        """
        ...

    async def release(self) -> None:
        """Let other runs write; nothing happens when this one does not."""
        ...

    async def manifest(self) -> Manifest | None:
        """The published version's manifest, or None when nothing is published."""
        ...

    async def versions(self) -> list[Version]:
        """Every version that can be read: the published one first, then the newest."""
        ...

    async def held(self, version: str, after: str = "") -> tuple[Sequence[Held], str]:
        """A page of what the version holds, and what the next one comes after; "" at the end."""
        ...

    async def stored(self, version: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Those of these points that the version holds."""
        ...

    async def note_commit(self, version: str, commit: str) -> None:
        """From now on the version's manifest names this commit of the site."""
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
        """Make this the version that readers see, in one atomic step, and release.

        The version published before is kept, all others are dropped. May be called again after a
        failure.

        Raises:
            IndexLocked: another run has taken over; nothing was published.
        """
        ...

    async def discard(self, version: str) -> None:
        """Drop an unpublished version."""
        ...

    async def drop_unfinished(self) -> None:
        """Drop what other runs had left behind, unfinished, when this version was begun."""
        ...

    async def roll_back(self, check: Callable[[Manifest], None]) -> Manifest:
        """Publish the version that was published before; doing it twice changes nothing.

        Args:
            check: is shown how that version was made, and may raise.

        Raises:
            IndexRefused: there is none.
            IndexLocked: another run is writing this index.
        """
        ...
