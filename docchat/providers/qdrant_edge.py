"""The index as files on this machine, searched by Qdrant's engine inside the process.

ROOT/COLLECTION/VERSION/       one shard a version, never written again once it is published
ROOT/COLLECTION/manifest.json  which version is published; to replace it is to publish
ROOT/COLLECTION/lock           held by the run that writes

Any number of processes may read. The engine opens files for writing even to read them, so each
needs write permission. It holds the interpreter's lock while it loads a shard (8 to 150 ms) and
while it searches (0.2 to 1.5 ms): a thread would not free the event loop, so there is none.

A shard opened before a fork hangs in the child: nothing is opened before the first call.
"""

import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import qdrant_edge as edge

from docchat.core.models import (
    EVERYWHERE,
    Manifest,
    Point,
    Retrieved,
    Scope,
    SparseVector,
    Vector,
)
from docchat.core.payload import (
    CANDIDATES,
    DENSE,
    SPARSE,
    VERSION,
    Published,
    payload_of,
    published_json,
    published_of,
    retrieved,
    values_in,
    version_name,
)
from docchat.errors import AssistantUnavailable, IndexLocked, IndexUnavailable, ServiceError

_RRF_K = 2  # what a Qdrant server uses when it is not told; the engine must be told

_Stamp = tuple[int, int, int]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reader:
    stamp: _Stamp | None
    shard: edge.EdgeShard


@dataclass(frozen=True, slots=True)
class _Writer:
    version: str
    manifest: Manifest
    shard: edge.EdgeShard
    lock: BinaryIO


class EdgeIndex:
    """A `PassageIndex` and an `IndexStore` over a folder.

    Args:
        root: the folder of all indexes; made when the first one is written.
        collection: this index's folder in it.
    """

    def __init__(self, root: Path, collection: str) -> None:
        self._folder = root / collection
        self._manifest_file = self._folder / "manifest.json"
        self._reader: _Reader | None = None
        self._writer: _Writer | None = None

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`."""
        within = _filter(scope)
        request = edge.QueryBatchRequest(
            [_hybrid(dense, sparse, limit, within), _nearest(dense, within)]
        )
        with self._translated():
            hits, nearest = self._published_shard().query_batch(request)
        found = retrieved(hits, nearest)
        if dropped := len(hits) - len(found.passages):
            _log.warning("left out %d points of %s: bad payload", dropped, self._folder)
        return found

    async def manifest(self) -> Manifest | None:
        """As `IndexStore.manifest`."""
        with self._translated():
            published = self._published()
        return published.manifest if published else None

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """As `IndexStore.vectors`."""
        with self._translated():
            records = self._published_shard().retrieve(list(ids), [], [DENSE])
        return {str(r.id): cast("dict[str, list[float]]", r.vector)[DENSE] for r in records}

    async def begin(self, manifest: Manifest) -> str:
        """As `IndexStore.begin`. The lock is held until `publish`, `discard` or `aclose`."""
        version = version_name(datetime.now(UTC), secrets.token_hex(4))
        with self._translated():
            lock = self._lock()
            try:
                shard = edge.EdgeShard.create(str(self._folder / version), _layout(manifest))
            except BaseException:
                lock.close()
                raise
        self._writer = _Writer(version, manifest, shard, lock)
        return version

    async def add(self, version: str, points: Sequence[Point]) -> None:
        """As `IndexStore.add`."""
        operation = edge.UpdateOperation.upsert_points([_engine_point(p, version) for p in points])
        with self._translated():
            self._writing(version).shard.update(operation)

    async def count(self, version: str) -> int:
        """As `IndexStore.count`."""
        with self._translated():
            if self._writer is not None and self._writer.version == version:
                return self._writer.shard.count(edge.CountRequest())
            return edge.EdgeShard.load(str(self._folder / version)).count(edge.CountRequest())

    async def publish(self, version: str) -> None:
        """As `IndexStore.publish`. Nothing in it awaits, so it cannot be cancelled half-way."""
        writer = self._writing(version)
        with self._translated():
            old = self._published()
            writer.shard.optimize()
            writer.shard.flush()
            writer.shard.close()
            previous = old.version if old else None
            self._replace_manifest(Published(version, previous, writer.manifest))
            try:
                self._drop_all_but(version, previous)
            finally:
                self._release()  # published whatever follows: nothing may discard it now

    async def discard(self, version: str) -> None:
        """As `IndexStore.discard`."""
        with self._translated():
            self._writing(version).shard.close()
            shutil.rmtree(self._folder / version)
        self._release()

    async def aclose(self) -> None:
        """Close what is open and give up the lock; an unpublished version is left behind."""
        if self._reader is not None:
            self._reader.shard.close()
            self._reader = None
        if self._writer is not None:
            self._writer.shard.close()
            self._release()

    def _published_shard(self) -> edge.EdgeShard:
        """The published version's shard, loaded again only after another was published."""
        stamp = self._stamp()
        if self._reader is None or self._reader.stamp != stamp:
            published = self._published()
            if published is None:
                raise IndexUnavailable(
                    f"nothing is published in {self._folder}", reason="collection-missing"
                )
            shard = edge.EdgeShard.load(str(self._folder / published.version))
            self._reader = _Reader(stamp, shard)
        return self._reader.shard

    def _stamp(self) -> _Stamp | None:
        try:
            status = self._manifest_file.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _published(self) -> Published | None:
        try:
            return published_of(self._manifest_file.read_bytes())
        except FileNotFoundError:
            return None

    def _replace_manifest(self, published: Published) -> None:
        fresh = self._manifest_file.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(published_json(published))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._manifest_file)

    def _drop_all_but(self, *kept: str | None) -> None:
        """Drop older versions and what crashed runs left; the lock keeps live runs out."""
        for folder in self._folder.iterdir():
            if VERSION.fullmatch(folder.name) and folder.name not in kept:
                # A reader that lags behind may write in there meanwhile; the next run retries.
                shutil.rmtree(folder, ignore_errors=True)

    def _writing(self, version: str) -> _Writer:
        if self._writer is None or self._writer.version != version:
            raise IndexUnavailable(
                f"version {version} of {self._folder} is not being written here",
                reason="collection-missing",
            )
        return self._writer

    def _lock(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            file.close()
            raise IndexLocked(f"another run holds {file.name}") from exc
        return file

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.lock.close()
            self._writer = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The engine raises bare `Exception`; on damaged files it panics, a `BaseException`."""
        try:
            yield
        except (IndexUnavailable, IndexLocked):
            raise
        except BaseException as exc:
            if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
                raise
            raise self._unavailable(str(exc)) from exc

    def _unavailable(self, cause: str) -> ServiceError:
        if "Vector dimension error" in cause:
            return AssistantUnavailable(
                f"the index in {self._folder} was made for vectors of another length: index again,"
                " or set EMBEDDING_MODEL and EMBEDDING_DIMENSION to what it was made with",
                reason="other-dimension",
            )
        return IndexUnavailable(
            f"the index in {self._folder} is incomplete, damaged or not writable by this user:"
            " correct that, or remove the folder and index again",
            reason="damaged",
        )


def _layout(manifest: Manifest) -> edge.EdgeConfig:
    return edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(manifest.dimension, edge.Distance.Cosine)},
        sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        wal_enabled=False,  # with a write-ahead log only one process can open the shard
    )


def _engine_point(point: Point, version: str) -> edge.Point:
    vectors: dict[str, edge.NamedVector] = {DENSE: list(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _engine_sparse(point.sparse)
    return edge.Point(point.chunk.id, vectors, payload_of(point.chunk, version))


def _engine_sparse(sparse: SparseVector) -> edge.SparseVector:
    return edge.SparseVector(list(sparse.indices), list(sparse.values))


def _filter(scope: Scope) -> edge.Filter | None:
    conditions: list[edge.ConditionType] = [
        edge.FieldCondition(field, match=edge.MatchAny(values))
        for field, values in values_in(scope).items()
    ]
    return edge.Filter(must=conditions) if conditions else None


def _hybrid(
    dense: Vector, sparse: SparseVector, limit: int, within: edge.Filter | None
) -> edge.QueryRequest:
    by_meaning = edge.Query.Nearest(list(dense), DENSE)
    prefetches = [edge.Prefetch(CANDIDATES, by_meaning, filter=within)]
    if sparse.indices:
        by_terms = edge.Query.Nearest(_engine_sparse(sparse), SPARSE)
        prefetches.append(edge.Prefetch(CANDIDATES, by_terms, filter=within))
    fusion = cast("edge.Fusion", edge.Fusion.Rrf(_RRF_K))
    return edge.QueryRequest(limit, query=fusion, prefetches=prefetches, with_payload=True)


def _nearest(dense: Vector, within: edge.Filter | None) -> edge.QueryRequest:
    return edge.QueryRequest(1, query=edge.Query.Nearest(list(dense), DENSE), filter=within)
