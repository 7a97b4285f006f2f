"""The engine's objects as the JSON that the client reads."""

import qdrant_edge as edge

from emulators.qdrant.store import Collection


def record(point: edge.Record) -> dict[str, object]:
    """A stored point."""
    return {"id": point_id(point.id), "payload": point.payload, "vector": _vector(point.vector)}


def scored(point: edge.ScoredPoint) -> dict[str, object]:
    """A point that a query found."""
    return {
        "id": point_id(point.id),
        "version": point.version,
        "score": point.score,
        "payload": point.payload,
        "vector": _vector(point.vector),
    }


def point_id(value: "edge.PointId") -> int | str:
    """A number, or a UUID as text."""
    return value if isinstance(value, int) else str(value)


def info(collection: Collection) -> dict[str, object]:
    """What a collection is. The tuning figures are the server's defaults."""
    made_by, shard = collection.made_by.model_dump(mode="json"), collection.shard.info()
    return {
        "status": "green",
        "optimizer_status": "ok",
        "points_count": shard.points_count,
        "indexed_vectors_count": shard.indexed_vectors_count,
        "segments_count": shard.segments_count,
        "payload_schema": {},
        "config": {
            "params": {"vectors": made_by["vectors"], "sparse_vectors": made_by["sparse_vectors"]},
            "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000},
            "optimizer_config": {
                "deleted_threshold": 0.2,
                "vacuum_min_vector_number": 1000,
                "default_segment_number": 0,
                "flush_interval_sec": 5,
            },
            "metadata": made_by["metadata"],
        },
    }


def _vector(vector: object) -> object:
    match vector:
        case edge.SparseVector():
            return {"indices": vector.indices, "values": vector.values}
        case {"": unnamed}:
            return unnamed
        case dict():
            return {name: _vector(value) for name, value in vector.items()}
    return vector
