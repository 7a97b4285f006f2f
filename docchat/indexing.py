"""One index run: chunks → vectors → a new version of the index → published in one step."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from docchat.core.chunking import CHUNKER_VERSION
from docchat.core.models import Chunk, Manifest, Point, Vector
from docchat.core.sparse import SPARSE_VERSION, encode_document
from docchat.errors import IndexingError, ServiceError, UpstreamBusy

EMBED_BATCH = 100
"""Texts a call; the Gemini API takes no more."""

_EMBED_CONCURRENCY = 4
_COPY_BATCH = 256
_BUSY_TRIES = 6
_BUSY_WAIT_S = 60

Progress = Callable[[int], None]
"""Told how many more chunks are done."""


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


@dataclass(frozen=True, slots=True)
class Report:
    """What an index run did, counted in chunks.

    `embedded` were paid for; `kept` have the vectors they had; `removed` are gone with their
    pages (not counted when another model made the whole index anew). `published` is False when
    nothing had changed and nothing was written.
    """

    chunks: int
    embedded: int
    kept: int
    removed: int
    published: bool


async def index(
    chunks: Sequence[Chunk],
    *,
    store: IndexStore,
    embedder: DocumentEmbedder,
    embedding_model: str,
    dimension: int,
    progress: Progress = lambda _: None,
) -> Report:
    """Bring the published index to exactly these chunks.

    Only chunks that the published index does not hold are embedded. Until the new version is
    whole and counted, readers see the old one.

    Raises:
        IndexingError: there is nothing to index, or the new version came out incomplete.
        ServiceError: the store or the embedder failed; the old version is still published.
    """
    if not chunks:
        raise IndexingError("there is no text to index; the published index is left as it is")
    old = await store.manifest()
    new = _manifest(chunks, embedding_model, dimension)
    if old is not None and _same(old, new):
        progress(len(chunks))
        return Report(len(chunks), embedded=0, kept=len(chunks), removed=0, published=False)
    reusable = (
        old is not None
        and old.embedding_model == new.embedding_model
        and old.dimension == new.dimension
    )
    version = await store.begin(new)
    try:
        missing = await _copy(chunks, version, store, progress) if reusable else list(chunks)
        await _embed(missing, version, store, embedder, progress)
        await _verify(version, new, store)
        await store.publish(version)
    except BaseException as failure:
        await _discard(version, store, failure)
        raise
    kept = len(chunks) - len(missing)
    removed = old.chunks - kept if old and reusable else 0
    return Report(len(chunks), embedded=len(missing), kept=kept, removed=removed, published=True)


def _manifest(chunks: Sequence[Chunk], embedding_model: str, dimension: int) -> Manifest:
    fingerprint = hashlib.blake2b(digest_size=16)
    for line in sorted(f"{chunk.id} {chunk.url}\n" for chunk in chunks):
        fingerprint.update(line.encode())
    return Manifest(
        embedding_model=embedding_model,
        dimension=dimension,
        chunker=f"{CHUNKER_VERSION}/{SPARSE_VERSION}",
        chunks=len(chunks),
        fingerprint=fingerprint.hexdigest(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _same(old: Manifest, new: Manifest) -> bool:
    return (old.fingerprint, old.embedding_model, old.dimension, old.chunker) == (
        new.fingerprint,
        new.embedding_model,
        new.dimension,
        new.chunker,
    )


async def _copy(
    chunks: Sequence[Chunk], version: str, store: IndexStore, progress: Progress
) -> list[Chunk]:
    """Carry over what is already embedded; returns the chunks that are not."""
    missing: list[Chunk] = []
    for batch in _batches(chunks, _COPY_BATCH):
        known = await store.vectors([chunk.id for chunk in batch])
        await store.add(version, [_point(c, known[c.id]) for c in batch if c.id in known])
        missing += [chunk for chunk in batch if chunk.id not in known]
        progress(len(known))
    return missing


async def _embed(
    chunks: Sequence[Chunk],
    version: str,
    store: IndexStore,
    embedder: DocumentEmbedder,
    progress: Progress,
) -> None:
    slots = asyncio.Semaphore(_EMBED_CONCURRENCY)

    async def embed_batch(batch: Sequence[Chunk]) -> None:
        async with slots:
            vectors = await _patiently(embedder, [chunk.embedded_text for chunk in batch])
            await store.add(version, list(map(_point, batch, vectors)))
            progress(len(batch))

    try:
        async with asyncio.TaskGroup() as group:
            for batch in _batches(chunks, EMBED_BATCH):
                group.create_task(embed_batch(batch))
    except ExceptionGroup as failures:
        # One cause is enough for a person; the other batches were cancelled because of it.
        raise failures.exceptions[0] from failures


async def _patiently(embedder: DocumentEmbedder, texts: Sequence[str]) -> list[Vector]:
    """Wait out a quota: an index run has no visitor who waits for it."""
    for _ in range(_BUSY_TRIES - 1):
        try:
            return await embedder.embed_documents(texts)
        except UpstreamBusy as exc:
            if exc.reason != UpstreamBusy.reason:
                raise  # not a quota: nobody answers at all
            await asyncio.sleep(min(exc.retry_after or _BUSY_WAIT_S, _BUSY_WAIT_S))
    return await embedder.embed_documents(texts)


async def _verify(version: str, manifest: Manifest, store: IndexStore) -> None:
    written = await store.count(version)
    if written != manifest.chunks:
        raise IndexingError(
            f"the new version holds {written} chunks instead of {manifest.chunks};"
            " the published index is left as it is"
        )


async def _discard(version: str, store: IndexStore, failure: BaseException) -> None:
    try:
        await store.discard(version)
    except ServiceError as also:
        failure.add_note(f"the unfinished version {version} is left behind: {also}")


def _point(chunk: Chunk, dense: Vector) -> Point:
    return Point(chunk, dense, encode_document(chunk.embedded_text))


def _batches(chunks: Sequence[Chunk], size: int) -> Iterator[Sequence[Chunk]]:
    return (chunks[start : start + size] for start in range(0, len(chunks), size))
