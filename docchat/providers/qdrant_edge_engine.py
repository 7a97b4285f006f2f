"""Our points and searches as the engine's objects, and back; its errors as ours."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import qdrant_edge as edge

from docchat.core.models import Manifest, Point, Scope, SparseVector, Vector
from docchat.core.payload import CANDIDATES, DENSE, SPARSE, Stored, chunk_of, payload_of, values_in
from docchat.errors import AssistantUnavailable, DocchatError, IndexUnavailable, ServiceError

_RRF_K = 2  # what a Qdrant server uses when it is not told; the engine must be told

# How many candidates a walk through the graph of a large index keeps. With the engine's 100 it
# found .87 of the 50 nearest of 6,147 chunks, with 256 .96, for a millisecond more.
_GRAPH = edge.SearchParams(hnsw_ef=256)


HALF = "quantization=float16"
"""The layout of an index whose vectors take half of the room."""


def layout(manifest: Manifest) -> edge.EdgeConfig:
    """A new shard's configuration."""
    half = edge.VectorStorageDatatype.Float16 if manifest.layout == HALF else None
    # Cold: else the engine reads the whole file ahead, 32 MiB of it for the smallest index, most of
    # which is a hole. Where files are memory, as on Cloud Run, there is nothing to wait for.
    dense = edge.EdgeVectorParams(
        manifest.dimension, edge.Distance.Cosine, datatype=half, memory=edge.Memory.Cold
    )
    return edge.EdgeConfig(
        vectors={DENSE: dense},
        sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        wal_enabled=False,  # with a write-ahead log only one process can open the shard
    )


def upsert(points: Sequence[Point], version: str) -> edge.UpdateOperation:
    """Points as they are written into a version."""
    return edge.UpdateOperation.upsert_points([_engine_point(p, version) for p in points])


def stored(records: Sequence[edge.Record]) -> dict[str, Stored]:
    """Points by id, as they were read."""
    return {
        str(record.id): Stored(
            chunk_of(record.id, record.payload),
            cast("dict[str, list[float]]", record.vector)[DENSE],
        )
        for record in records
    }


class Searches(NamedTuple):
    """The nearest by vector and by terms, fused; and the nearest by vector."""

    hybrid: edge.QueryRequest
    nearest: edge.QueryRequest


def searches(dense: Vector, sparse: SparseVector, limit: int, scope: Scope) -> Searches:
    """What one search asks the engine, in two calls: each of them holds the event loop."""
    within = _filter(scope)
    by_meaning = edge.Query.Nearest(list(dense), DENSE)
    nearest = edge.QueryRequest(1, query=by_meaning, filter=within, params=_GRAPH)
    return Searches(_hybrid(dense, sparse, limit, within), nearest)


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """The engine raises bare `Exception`; on damaged files it panics, a `BaseException`."""
    try:
        yield
    except DocchatError:
        raise
    except BaseException as exc:
        if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
            raise
        raise _unavailable(folder, str(exc)) from exc


def _unavailable(folder: Path, cause: str) -> ServiceError:
    if "Vector dimension error" in cause:
        return AssistantUnavailable(
            f"the index in {folder} was made for vectors of another length: index again,"
            " or set EMBEDDING_MODEL and EMBEDDING_DIMENSION to what it was made with",
            reason="other-dimension",
        )
    return IndexUnavailable(
        f"the index in {folder} is incomplete, damaged or not writable by this user, or the disk"
        " is full: correct that, or remove the folder and index again",
        reason="damaged",
    )


def _engine_point(point: Point, version: str) -> edge.Point:
    vectors: dict[str, edge.NamedVector] = {DENSE: list(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _engine_sparse(point.sparse)
    return edge.Point(point.chunk.id, vectors, payload_of(point, version))


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
    prefetches = [edge.Prefetch(CANDIDATES, by_meaning, filter=within, params=_GRAPH)]
    if sparse.indices:
        by_terms = edge.Query.Nearest(_engine_sparse(sparse), SPARSE)
        prefetches.append(edge.Prefetch(CANDIDATES, by_terms, filter=within))
    fusion = cast("edge.Fusion", edge.Fusion.Rrf(_RRF_K))
    return edge.QueryRequest(limit, query=fusion, prefetches=prefetches)
