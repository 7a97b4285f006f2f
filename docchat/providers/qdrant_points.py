"""Our points and searches as the Qdrant client's models, and back."""

from collections.abc import Sequence

from qdrant_client import models

from docchat.core.models import Point, Scope, SparseVector, Vector
from docchat.core.payload import CANDIDATES, DENSE, SPARSE, Stored, chunk_of, payload_of, values_in


def point_struct(point: Point, version: str) -> models.PointStruct:
    """A point as it is written into a version; not checked again, that takes as long as sending."""
    vectors: dict[str, models.Vector] = {DENSE: list(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _sparse(point.sparse)
    payload = payload_of(point, version)
    return models.PointStruct.model_construct(id=point.chunk.id, vector=vectors, payload=payload)


def stored(records: Sequence[models.Record]) -> dict[str, Stored]:
    """Points by id, as they were read; those without a dense vector are somebody else's."""
    dense = ((record, _dense_of(record.vector)) for record in records)
    return {
        str(record.id): Stored(chunk_of(record.id, record.payload), vector)
        for record, vector in dense
        if vector is not None
    }


def searches(
    dense: Vector, sparse: SparseVector, limit: int, scope: Scope
) -> list[models.QueryRequest]:
    """The nearest by vector and by terms, fused; and the nearest by vector."""
    within = _filter(scope)
    return [
        _hybrid(dense, sparse, limit, within),
        models.QueryRequest(query=list(dense), using=DENSE, limit=1, filter=within),
    ]


def _filter(scope: Scope) -> models.Filter | None:
    conditions: list[models.Condition] = [
        models.FieldCondition(key=field, match=models.MatchAny(any=values))
        for field, values in values_in(scope).items()
    ]
    return models.Filter(must=conditions) if conditions else None


def _hybrid(
    dense: Vector, sparse: SparseVector, limit: int, within: models.Filter | None
) -> models.QueryRequest:
    by_meaning = models.Prefetch(query=list(dense), using=DENSE, limit=CANDIDATES, filter=within)
    prefetch = [by_meaning]
    if sparse.indices:
        terms = _sparse(sparse)
        prefetch.append(models.Prefetch(query=terms, using=SPARSE, limit=CANDIDATES, filter=within))
    return models.QueryRequest(
        prefetch=prefetch,
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        limit=limit,
        with_payload=True,
    )


def _dense_of(vector: object) -> Vector | None:
    named = vector.get(DENSE) if isinstance(vector, dict) else None
    return named if isinstance(named, list) else None


def _sparse(sparse: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))
