"""qdrant-client's local mode, asked exactly what docchat asks a server."""

from collections.abc import Sequence
from pathlib import Path

from qdrant_client import QdrantClient, models

from docchat.core.models import Point, Retrieved, SparseVector, Vector
from docchat.core.payload import CANDIDATES, DENSE, SPARSE, payload_of, read, retrieved

_NAME = "docs"
_BATCH = 256


class LocalMode:
    """An index in memory, or in a folder.

    Args:
        folder: None is memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        memory = folder is None
        self._client = QdrantClient(":memory:") if memory else QdrantClient(path=str(folder))

    def fill(self, points: Sequence[Point], dimension: int) -> None:
        """Make the collection."""
        dense = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        self._client.create_collection(
            _NAME, vectors_config={DENSE: dense}, sparse_vectors_config={SPARSE: sparse}
        )
        for start in range(0, len(points), _BATCH):
            self._client.upsert(_NAME, [_point(one) for one in points[start : start + _BATCH]])

    def search(self, dense: Vector, sparse: SparseVector, limit: int) -> Retrieved:
        """One hybrid search, and the nearest by cosine."""
        prefetch = [models.Prefetch(query=list(dense), using=DENSE, limit=CANDIDATES)]
        if sparse.indices:
            terms = models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))
            prefetch.append(models.Prefetch(query=terms, using=SPARSE, limit=CANDIDATES))
        hybrid = models.QueryRequest(
            prefetch=prefetch,
            query=models.FusionQuery(fusion=models.Fusion.RRF),
            limit=limit,
            with_payload=True,
        )
        nearest = models.QueryRequest(query=list(dense), using=DENSE, limit=1)
        first, second = self._client.query_batch_points(_NAME, [hybrid, nearest])
        hits = [(read(hit.id, hit.payload), hit.score) for hit in first.points]
        return retrieved(hits, second.points[0].score)

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()


def _point(point: Point) -> models.PointStruct:
    vectors: dict[str, models.Vector] = {DENSE: list(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = models.SparseVector(
            indices=list(point.sparse.indices), values=list(point.sparse.values)
        )
    return models.PointStruct(id=point.chunk.id, vector=vectors, payload=payload_of(point, "local"))
