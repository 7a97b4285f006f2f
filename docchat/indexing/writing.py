"""Filling a new version: copy the vectors there are, embed the rest, look at the result."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from docchat.core.models import Chunk, Manifest, Point, Vector
from docchat.core.payload import vector_key
from docchat.core.sparse import encode_document
from docchat.errors import DocchatError, IndexingError
from docchat.indexing.catalogue import Catalogue, Pair
from docchat.indexing.clients import EMBED_BATCH, DocumentEmbedder, IndexStore
from docchat.indexing.patience import Patience

T = TypeVar("T")

_COPY_BATCH = 256
_COPIES_AT_ONCE = 2
_CALLS_AT_ONCE = 4
_SAMPLE = 50

Done = Callable[[int], None]
"""Told how many more chunks are done."""


def key_of(chunk: Chunk, made: Manifest) -> str:
    """What a chunk's vector is made from in an index made like this."""
    return vector_key(chunk.embedded_text, made.embedding_model, made.dimension)


class Writer:
    """Writes one new version.

    Args:
        wanted: what it is to hold.
        version: its name in the store.
        made: its manifest.
        store: where it is written.
        patience: the run's.
        done: told of every chunk that is written.
    """

    def __init__(
        self,
        wanted: Catalogue,
        version: str,
        made: Manifest,
        store: IndexStore,
        *,
        patience: Patience,
        done: Done,
    ) -> None:
        self._wanted = wanted
        self._version = version
        self._made = made
        self._store = store
        self._patience = patience
        self._done = done

    async def copy(self) -> None:
        """Take over the vectors that other versions hold; those that are damaged are forgotten."""
        for source in await self._patience(self._store.versions):
            batches = self._wanted.with_vector(source.name, _COPY_BATCH)

            async def work(batch: list[Pair], name: str = source.name) -> None:
                await self._copy_batch(name, batch)

            await at_once(batches, work, _COPIES_AT_ONCE)

    async def embed(self, embedder: DocumentEmbedder) -> None:
        """Embed the texts without a vector; a batch that was written is never asked for again.

        Raises:
            ServiceError: one batch failed for good; those under way were still written.
        """

        async def work(batch: list[list[Pair]]) -> None:
            texts = [alike[0][1].embedded_text for alike in batch]
            vectors = await self._patience(lambda: embedder.embed_documents(texts))
            both = zip(batch, vectors, strict=True)
            await self._add([(chunk, vector) for alike, vector in both for _, chunk in alike])

        await at_once(self._wanted.to_embed(EMBED_BATCH), work, _CALLS_AT_ONCE)

    async def verify(self) -> None:
        """Count the new version, read a sample of it back, and its manifest.

        Raises:
            IndexingError: it is not what it should be.
        """
        written = await self._patience(lambda: self._store.count(self._version))
        wanted = self._made.chunks
        if written != wanted:
            raise self._bad(f"holds {written} chunks instead of {wanted}")
        sample = self._wanted.sample(_SAMPLE)
        ids = [chunk.id for chunk in sample]
        stored = await self._patience(lambda: self._store.stored(self._version, ids))
        for chunk in sample:
            found = stored.get(chunk.id)
            if found is None or found.chunk != chunk or not self._usable(found.dense):
                raise self._bad(f"does not give chunk {chunk.id} back as it was written")
        versions = await self._patience(self._store.versions)
        manifests = {version.name: version.manifest for version in versions}
        if manifests.get(self._version) != self._made:
            raise self._bad("does not give its manifest back as it was written")

    async def _copy_batch(self, source: str, batch: list[Pair]) -> None:
        ids = list({point for point, _ in batch})
        stored = await self._patience(lambda: self._store.stored(source, ids))
        usable = {id_: one.dense for id_, one in stored.items() if self._usable(one.dense)}
        await self._add([(chunk, usable[point]) for point, chunk in batch if point in usable])
        self._wanted.forget(chunk.id for point, chunk in batch if point not in usable)

    async def _add(self, made: list[tuple[Chunk, Vector]]) -> None:
        points = [self._point(chunk, vector) for chunk, vector in made]
        await self._patience(lambda: self._store.add(self._version, points))
        self._done(len(points))

    def _point(self, chunk: Chunk, dense: Vector) -> Point:
        sparse = encode_document(chunk.embedded_text)
        return Point(chunk, dense, sparse, key_of(chunk, self._made))

    def _usable(self, dense: Vector) -> bool:
        return len(dense) == self._made.dimension and 0 < math.hypot(*dense) < math.inf

    def _bad(self, what: str) -> IndexingError:
        return IndexingError(f"the new version {what}; the published index is left as it is")


async def at_once(batches: Iterator[T], work: Callable[[T], Awaitable[None]], workers: int) -> None:
    """Work on all batches, so many at a time.

    After a failure no batch is begun, but those that are under way are finished: they may have
    been paid for.

    Raises:
        DocchatError: the first failure.
    """
    failures: list[DocchatError] = []

    async def worker() -> None:
        while not failures:
            try:
                if (batch := next(batches, None)) is None:
                    return
                await work(batch)
            except DocchatError as failure:
                failures.append(failure)

    await asyncio.gather(*(worker() for _ in range(workers)))
    if failures:
        raise failures[0]
