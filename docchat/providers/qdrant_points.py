"""Our points as the Qdrant client's models, and back."""

from collections.abc import Sequence

from qdrant_client import models

from docchat.core.models import Point, SparseVector, Vector
from docchat.core.payload import DENSE, SPARSE, Stored, chunk_of, payload_of


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


def _dense_of(vector: object) -> Vector | None:
    named = vector.get(DENSE) if isinstance(vector, dict) else None
    return named if isinstance(named, list) else None


def _sparse(sparse: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))
