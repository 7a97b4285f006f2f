import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import qdrant_edge as edge
from pydantic import TypeAdapter, ValidationError
from qdrant_client import models
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from emulators.faults import Faults, Faulty
from emulators.qdrant import replies, requests, trouble
from emulators.qdrant.filters import engine_filter
from emulators.qdrant.refusal import Refusal, engine_refusals, only, unsupported
from emulators.qdrant.store import Store

_Handler = Callable[[Store, str, Any], object]


def create_app(data_dir: Path | None = None, api_key: str | None = None) -> Starlette:
    """The emulator as an ASGI application. It answers one request after the other.

    Its state: `faults` is the plan of what goes wrong (methods: `query_batch`, `get_collection`,
    `upsert`, …, as the handlers below are called), `keys.valid` can be changed.

    Args:
        data_dir: keeps collections between runs; None forgets them with the application.
        api_key: what the `api-key` header must be; None asks for none.
    """
    store, faults = Store(data_dir), Faults()
    keys = Keys({api_key} if api_key else None)
    routes = [Route("/", _version, name="version"), *(_route(store, *entry) for entry in _ROUTES)]
    app = Starlette(
        routes=routes,
        exception_handlers={
            Refusal: _refuse,
            ValidationError: _refuse_body,
            404: _refuse_route,
            405: _refuse_route,
        },
        middleware=[
            Middleware(Faulty, faults=faults, method_of=functools.partial(_method, routes)),
            Middleware(_ApiKey, keys=keys),
        ],
    )
    app.state.faults, app.state.keys = faults, keys
    return app


@dataclass
class Keys:
    """The keys that are valid; change `valid` at any time. None: no key is asked for."""

    valid: Collection[str] | None


class _ApiKey:
    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if self._keys.valid is not None:
            given = Headers(scope=scope).get("api-key")
            if given not in self._keys.valid:
                app = trouble.plain(trouble.WRONG_KEY if given else trouble.NO_KEY)
        await app(scope, receive, send)


def _method(routes: Sequence[Route], scope: Scope) -> str:
    """The name of the request's route."""
    named = (route.name for route in routes if route.matches(scope)[0] is Match.FULL)
    return next(named, "")


def _route(store: Store, method: str, path: str, body: Any, handler: _Handler) -> Route:  # noqa: ANN401 - a type form
    parser = TypeAdapter(body) if body else None

    # The engine is called right here, on the event loop: that is what serialises the requests.
    async def endpoint(request: Request) -> Response:
        started = perf_counter()
        parsed = parser.validate_json(await request.body()) if parser else None
        result = handler(store, request.path_params.get("name", ""), parsed)
        result = trouble.spoilt(result, request)
        reply = {"result": result, "status": "ok", "time": perf_counter() - started}
        return JSONResponse(reply)

    return Route(path, endpoint, methods=[method], name=handler.__name__.removeprefix("_"))


async def _version(_: Request) -> Response:
    # The client compares it with its own, and warns.
    return JSONResponse({"title": "qdrant - vector search engine", "version": "1.20.0"})


async def _refuse_route(request: Request, _: Exception) -> Response:
    return await _refuse(request, unsupported(f"{request.method} {request.url.path}"))


async def _refuse(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, Refusal)  # noqa: S101 - registered for it
    return JSONResponse({"status": {"error": exc.text}, "time": 0.0}, status_code=exc.status)


async def _refuse_body(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ValidationError)  # noqa: S101 - registered for it
    first = exc.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    text = f"Format error in JSON body: {where}: {first['msg']}"
    return await _refuse(request, Refusal(400, text))


# --- collections and aliases --------------------------------------------------


def _list_collections(store: Store, _name: str, _body: None) -> object:
    return {"collections": [{"name": name} for name in store.collections]}


def _create_collection(store: Store, name: str, body: models.CreateCollection) -> object:
    return store.create(name, body)


def _get_collection(store: Store, name: str, _body: None) -> object:
    return replies.info(store.find(name))


def _update_collection(store: Store, name: str, body: models.UpdateCollection) -> object:
    only(body, "metadata")
    return store.add_metadata(name, body.metadata or {})


def _delete_collection(store: Store, name: str, _body: None) -> object:
    return store.delete(name)


def _collection_exists(store: Store, name: str, _body: None) -> object:
    return {"exists": name in store.collections or name in store.aliases}


def _list_aliases(store: Store, name: str, _body: None) -> object:
    described = [
        {"alias_name": alias, "collection_name": at}
        for alias, at in store.aliases.items()
        if name in {"", at}
    ]
    return {"aliases": described}


def _change_aliases(store: Store, _name: str, body: models.ChangeAliasesOperation) -> object:
    return store.change_aliases(body)


# --- points -------------------------------------------------------------------


def _update(store: Store, name: str, operation: edge.UpdateOperation) -> object:
    with engine_refusals():
        store.find(name).shard.update(operation)
    return {"operation_id": 0, "status": "completed"}


def _upsert(store: Store, name: str, body: models.PointInsertOperations) -> object:
    with engine_refusals():
        operation = requests.upsert(body)
    return _update(store, name, operation)


def _create_field_index(store: Store, name: str, body: models.CreateFieldIndex) -> object:
    return _update(store, name, requests.field_index(body))


def _delete_points(store: Store, name: str, body: models.PointsSelector) -> object:
    return _update(store, name, requests.delete(body))


def _set_payload(store: Store, name: str, body: models.SetPayload) -> object:
    return _update(store, name, requests.set_payload(body))


def _retrieve(store: Store, name: str, body: models.PointRequest) -> object:
    only(body, "ids with_payload with_vector")
    payload = requests.payload_choice(body.with_payload, default=True)
    with engine_refusals():
        points = store.find(name).shard.retrieve(body.ids, payload, body.with_vector or False)
    return [replies.record(point) for point in points]


def _scroll(store: Store, name: str, body: models.ScrollRequest) -> object:
    with engine_refusals():
        points, following = store.find(name).shard.scroll(requests.scroll(body))
    following_id = None if following is None else replies.point_id(following)
    return {"points": list(map(replies.record, points)), "next_page_offset": following_id}


def _count(store: Store, name: str, body: models.CountRequest) -> object:
    only(body, "filter exact")
    request = edge.CountRequest(exact=body.exact is not False, filter=engine_filter(body.filter))
    with engine_refusals():
        return {"count": store.find(name).shard.count(request)}


def _query(store: Store, name: str, body: models.QueryRequest) -> object:
    with engine_refusals():
        points = store.find(name).shard.query(requests.query(body))
    return {"points": list(map(replies.scored, points))}


def _query_batch(store: Store, name: str, body: models.QueryRequestBatch) -> object:
    batch = edge.QueryBatchRequest([requests.query(search) for search in body.searches])
    with engine_refusals():
        answers = store.find(name).shard.query_batch(batch)
    return [{"points": list(map(replies.scored, points))} for points in answers]


_COLLECTION = "/collections/{name}"
_POINTS = "/collections/{name}/points"
_ROUTES: list[tuple[str, str, Any, _Handler]] = [
    ("GET", "/collections", None, _list_collections),
    ("POST", "/collections/aliases", models.ChangeAliasesOperation, _change_aliases),
    ("GET", "/aliases", None, _list_aliases),
    ("PUT", _COLLECTION, models.CreateCollection, _create_collection),
    ("GET", _COLLECTION, None, _get_collection),
    ("PATCH", _COLLECTION, models.UpdateCollection, _update_collection),
    ("DELETE", _COLLECTION, None, _delete_collection),
    ("GET", f"{_COLLECTION}/exists", None, _collection_exists),
    ("GET", f"{_COLLECTION}/aliases", None, _list_aliases),
    ("PUT", f"{_COLLECTION}/index", models.CreateFieldIndex, _create_field_index),
    ("PUT", _POINTS, models.PointInsertOperations, _upsert),
    ("POST", _POINTS, models.PointRequest, _retrieve),
    ("POST", f"{_POINTS}/delete", models.PointsSelector, _delete_points),
    ("POST", f"{_POINTS}/payload", models.SetPayload, _set_payload),
    ("POST", f"{_POINTS}/scroll", models.ScrollRequest, _scroll),
    ("POST", f"{_POINTS}/count", models.CountRequest, _count),
    ("POST", f"{_POINTS}/query", models.QueryRequest, _query),
    ("POST", f"{_POINTS}/query/batch", models.QueryRequestBatch, _query_batch),
]
