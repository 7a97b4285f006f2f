"""The frame around every route: request id, origin, dispatch, errors, headers, one log line."""

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from docchat import logs
from docchat.errors import DocchatError, MethodNotAllowed, NotFound, UriTooLong
from docchat.web import cors, problems


class Call:
    """One request on its way through.

    Attributes:
        request: as the framework hands it over.
        id: names the request in the response and in the log.
        log: fields for the request's log line.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.id = uuid.uuid4().hex
        self.log: dict[str, Any] = {}
        self._started = time.monotonic()
        self._error: BaseException | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the request arrived."""
        return time.monotonic() - self._started

    def fail(self, error: BaseException) -> DocchatError:
        """Note the error for the log; returns what the visitor may know of it."""
        self._error = error
        return error if isinstance(error, DocchatError) else DocchatError()

    def finish(self, status: int) -> None:
        """Write the request's log line."""
        fields = {
            "request_id": self.id,
            **logs.trace_fields(self.request.headers),
            "method": self.request.method,
            "status": status,
            "duration_ms": round(self.age_s * 1000),
            **self.log,
        }
        logs.request(fields, self._error)


_MAX_QUERY_CHARS = 2048

Endpoint = Callable[[Call], Awaitable[Response]]
Routes = Mapping[str, Mapping[str, Endpoint]]
"""Path → method → endpoint."""

Origins = Callable[[], AbstractSet[str]]


async def respond(request: Request, routes: Routes, origins: Origins | None = None) -> Response:
    """Serve one request; whatever happens, the answer is a well-formed response.

    Args:
        request: as the framework hands it over.
        routes: what this function serves.
        origins: gives the allow-list for browsers; None for routes that no page calls.
    """
    call = Call(request)
    allowed: AbstractSet[str] | None = None
    try:
        allowed = origins() if origins else None
        response = await _dispatch(call, routes, allowed)
    except Exception as exc:  # noqa: BLE001 - the last place that can turn it into a response
        error = call.fail(exc)
        extra = problems.for_openai(error) if request.url.path.startswith("/v1/") else None
        response = problems.response(error, call.id, extra)
    if allowed is not None:
        cors.add_headers(request, response, allowed)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = call.id
    if not isinstance(response, StreamingResponse):  # a stream's line is written at its end
        call.finish(response.status_code)
    return response


async def _dispatch(call: Call, routes: Routes, allowed: AbstractSet[str] | None) -> Response:
    if len(call.request.url.query) > _MAX_QUERY_CHARS:
        raise UriTooLong("the query string is over the limit")
    path = call.request.url.path
    if path not in routes:
        raise NotFound("no such route")
    call.log["route"] = path
    if allowed is not None:
        cors.check_origin(call.request, allowed)
    methods = routes[path]
    if call.request.method == "OPTIONS":
        return cors.preflight((*methods, "OPTIONS"))
    if call.request.method not in methods:
        raise MethodNotAllowed((*methods, "OPTIONS"))
    return await methods[call.request.method](call)
