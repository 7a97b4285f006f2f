"""The client's request models as the engine's objects."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import cast

import qdrant_edge as edge
from qdrant_client import models

from emulators.qdrant.filters import engine_filter
from emulators.qdrant.refusal import Refusal, only, unsupported

_RRF_K = 2  # the server's default
_LIMIT = 10  # the server's default
_DISTANCES = {
    models.Distance.COSINE: edge.Distance.Cosine,
    models.Distance.EUCLID: edge.Distance.Euclid,
    models.Distance.DOT: edge.Distance.Dot,
    models.Distance.MANHATTAN: edge.Distance.Manhattan,
}
_FIELDS = {
    models.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.FLOAT: edge.PayloadSchemaType.Float,
}
_DIRECTIONS = {
    models.Direction.ASC: edge.Direction.Asc,
    models.Direction.DESC: edge.Direction.Desc,
}
_UPDATE_MODES = {
    models.UpdateMode.UPSERT: edge.UpdateMode.Upsert,
    models.UpdateMode.INSERT_ONLY: edge.UpdateMode.InsertOnly,
    models.UpdateMode.UPDATE_ONLY: edge.UpdateMode.UpdateOnly,
}


def layout(request: models.CreateCollection, *, wal: bool) -> edge.EdgeConfig:
    """A new shard's configuration. How a server would place and index it is left out."""
    vectors = request.vectors or {}
    named = vectors if isinstance(vectors, dict) else {"": vectors}
    sparse = request.sparse_vectors or {}
    if not named and not sparse:  # the server takes points without vectors, a shard must name one
        sparse = {"unused": models.SparseVectorParams()}
    return edge.EdgeConfig(
        vectors={name: _dense_params(params) for name, params in named.items()},
        sparse_vectors={name: _sparse_params(params) for name, params in sparse.items()},
        wal_enabled=wal,
    )


def field_index(request: models.CreateFieldIndex) -> edge.UpdateOperation:
    """An index over a field of the payload; keywords and floats alone."""
    for schema, kind in _FIELDS.items():
        if request.field_schema is schema:
            return edge.UpdateOperation.create_field_index(request.field_name, kind)
    raise unsupported("an index over anything but keywords and floats")


def upsert(request: models.PointsList | models.PointsBatch) -> edge.UpdateOperation:
    """An upsert, conditional or not."""
    if not isinstance(request, models.PointsList):
        raise unsupported("points in columns (`batch`)")
    only(request, "points update_filter update_mode")
    return edge.UpdateOperation.upsert_points(
        [_point(point) for point in request.points],
        engine_filter(request.update_filter),
        _UPDATE_MODES[request.update_mode] if request.update_mode else None,
    )


def delete(request: models.PointIdsList | models.FilterSelector) -> edge.UpdateOperation:
    """A removal by ids or by filter."""
    if isinstance(request, models.PointIdsList):
        only(request, "points")
        return edge.UpdateOperation.delete_points(list(request.points))
    only(request, "filter")
    return edge.UpdateOperation.delete_points_by_filter(_required(request.filter))


def set_payload(request: models.SetPayload) -> edge.UpdateOperation:
    """A merge of fields into the payload of points, chosen by ids or by filter."""
    only(request, "payload points filter key")
    payload = request.payload
    if request.points is not None:
        return edge.UpdateOperation.set_payload(list(request.points), payload, request.key)
    if request.filter is None:
        raise Refusal(422, "Validation error: either `points` or `filter` must be set")
    chosen = _required(request.filter)
    return edge.UpdateOperation.set_payload_by_filter(chosen, payload, request.key)


def scroll(request: models.ScrollRequest) -> edge.ScrollRequest:
    """One page of points, ordered by id or by an indexed field."""
    only(request, "offset limit filter with_payload with_vector order_by")
    return edge.ScrollRequest(
        offset=request.offset,
        limit=request.limit or _LIMIT,
        filter=engine_filter(request.filter),
        with_payload=payload_choice(request.with_payload, default=True),
        with_vector=request.with_vector or False,
        order_by=_order(request.order_by) if request.order_by else None,
    )


def _order(wanted: models.OrderByInterface) -> edge.OrderBy:
    if not isinstance(wanted, models.OrderBy) or isinstance(wanted.start_from, datetime | date):
        raise unsupported("an order but by a number and with `key`")
    direction = _DIRECTIONS[wanted.direction or models.Direction.ASC]
    return edge.OrderBy(wanted.key, direction, wanted.start_from)


def query(request: models.QueryRequest) -> edge.QueryRequest:
    """A query with its stages."""
    only(
        request,
        "prefetch query using filter params score_threshold limit offset with_vector with_payload",
    )
    return edge.QueryRequest(
        limit=_LIMIT if request.limit is None else request.limit,
        offset=request.offset,
        query=_scoring(request),
        prefetches=_prefetches(request.prefetch),
        with_vector=request.with_vector or False,
        with_payload=payload_choice(request.with_payload, default=False),
        filter=engine_filter(request.filter),
        score_threshold=request.score_threshold,
        params=_params(request.params),
    )


def payload_choice(
    choice: models.WithPayloadInterface | None, *, default: bool
) -> "edge.WithPayloadType":
    """Which fields of the payload to return."""
    if isinstance(choice, models.PayloadSelectorInclude):
        return edge.PayloadSelector.Include(choice.include)
    if isinstance(choice, models.PayloadSelectorExclude):
        return edge.PayloadSelector.Exclude(choice.exclude)
    return default if choice is None else choice


def _dense_params(params: models.VectorParams) -> edge.EdgeVectorParams:
    if params.multivector_config is not None:
        raise unsupported("multivectors")
    return edge.EdgeVectorParams(params.size, _DISTANCES[params.distance])


def _sparse_params(params: models.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    idf = edge.Modifier.Idf if params.modifier is models.Modifier.IDF else None
    return edge.EdgeSparseVectorParams(modifier=idf)


def _required(condition: models.Filter) -> edge.Filter:
    return cast("edge.Filter", engine_filter(condition))


def _point(point: models.PointStruct) -> edge.Point:
    vector = point.vector
    if isinstance(vector, dict):
        named = {name: _vector(value) for name, value in vector.items()}
        return edge.Point(point.id, named, point.payload or {})
    return edge.Point(point.id, {"": _vector(vector)}, point.payload or {})


def _vector(value: object) -> "edge.NamedVector":
    match value:
        case models.SparseVector(indices=indices, values=values):
            # The engine trusts its caller here, and panics; the server checks.
            if len(indices) != len(values) or len(indices) != len(set(indices)):
                raise Refusal(422, "Validation error: sparse indices must be unique, one a value")
            return edge.SparseVector(indices, values)
        case [*numbers] if all(isinstance(number, float | int) for number in numbers):
            return cast("list[float]", numbers)
    raise unsupported(f"{type(value).__name__} as a vector")


def _prefetches(
    stages: Sequence[models.Prefetch] | models.Prefetch | None,
) -> list[edge.Prefetch]:
    if isinstance(stages, models.Prefetch):
        stages = [stages]
    return [_prefetch(stage) for stage in stages or ()]


def _prefetch(stage: models.Prefetch) -> edge.Prefetch:
    only(stage, "prefetch query using filter params score_threshold limit")
    return edge.Prefetch(
        limit=_LIMIT if stage.limit is None else stage.limit,
        query=_scoring(stage),
        prefetches=_prefetches(stage.prefetch),
        params=_params(stage.params),
        filter=engine_filter(stage.filter),
        score_threshold=stage.score_threshold,
    )


def _scoring(stage: models.QueryRequest | models.Prefetch) -> "edge.ScoringQueryType | None":
    match stage.query:
        case None:
            return None
        case models.FusionQuery(fusion=models.Fusion.RRF):
            return _fusion(edge.Fusion.Rrf(_RRF_K))
        case models.FusionQuery():
            return _fusion(edge.Fusion.Dbsf())
        case models.RrfQuery(rrf=rrf):
            return _fusion(edge.Fusion.Rrf(rrf.k or _RRF_K, rrf.weights))
        case models.NearestQuery(nearest=nearest, mmr=None):
            return edge.Query.Nearest(_vector(nearest), stage.using)
        case models.SparseVector() | list():
            return edge.Query.Nearest(_vector(stage.query), stage.using)
    raise unsupported(f"the query {type(stage.query).__name__}")


def _fusion(fusion: object) -> edge.Fusion:
    return cast("edge.Fusion", fusion)  # the engine's stubs nest the kinds without deriving them


def _params(params: models.SearchParams | None) -> edge.SearchParams | None:
    if params is None:
        return None
    only(params, "hnsw_ef exact indexed_only")
    return edge.SearchParams(
        hnsw_ef=params.hnsw_ef,
        exact=bool(params.exact),
        indexed_only=bool(params.indexed_only),
    )
