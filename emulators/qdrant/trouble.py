"""What goes wrong with a Qdrant server, for its plan of faults; the bodies are the server's own.

Source of the texts: Qdrant's `StorageError` and its authentication middleware.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from emulators.faults import Fault, named

_PLAIN = {"content-type": "text/plain; charset=utf-8"}
_HTML = {"content-type": "text/html; charset=utf-8"}
_POINTS = "points"


def refused(status: int, text: str, **headers: str) -> Fault:
    """A refusal as JSON."""
    body = {"status": {"error": text}, "time": 0.0}
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(status=status, body=body, headers=shown)


NO_KEY = Fault(
    status=HTTPStatus.UNAUTHORIZED,
    body="Must provide an API key or an Authorization bearer token",
    headers=_PLAIN,
)
WRONG_KEY = Fault(status=HTTPStatus.UNAUTHORIZED, body="Invalid API key or JWT", headers=_PLAIN)
FORBIDDEN = refused(HTTPStatus.FORBIDDEN, "Forbidden: Global access is required")
NO_COLLECTION = refused(HTTPStatus.NOT_FOUND, "Not found: Collection `docs` doesn't exist!")
WRONG_DIMENSION = refused(
    HTTPStatus.BAD_REQUEST, "Wrong input: Vector dimension error: expected dim: 768, got 3"
)
TIMED_OUT = refused(HTTPStatus.REQUEST_TIMEOUT, "Timeout: Operation 'Search' timed out after 2s")
INTERNAL = refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Service internal error: task panicked")
UNAVAILABLE = refused(
    HTTPStatus.SERVICE_UNAVAILABLE, "Shard temporarily unavailable: shard 0 is not active"
)
NO_BACKEND = Fault(
    status=HTTPStatus.SERVICE_UNAVAILABLE, body="no healthy upstream", headers=_PLAIN
)
"""What a load balancer in front of the server says."""

STORAGE_FULL = refused(
    HTTPStatus.INSUFFICIENT_STORAGE,
    "Service internal error: No space left on device: WAL buffer size exceeds available disk space",
)
SIGN_IN = Fault(status=HTTPStatus.OK, body="<html>Sign in</html>", headers=_HTML)
CUT = Fault(
    status=HTTPStatus.OK,
    body='{"result": [{"points": [',
    headers={"content-type": "application/json"},
)


def plain(fault: Fault) -> Response:
    """The response of a refusal in plain text."""
    return PlainTextResponse(str(fault.body), fault.status or HTTPStatus.OK)


def rate_limited(retry_after_s: int | None) -> Fault:
    """Too many requests; not every server says for how long."""
    headers = {} if retry_after_s is None else {"Retry_After": str(retry_after_s)}
    text = "Rate limiting exceeded: Read rate limit exceeded: retry later"
    return refused(HTTPStatus.TOO_MANY_REQUESTS, text, **headers)


def bad_points(*payloads: object, spare: int = 0, **others: object) -> Fault:
    """Queries and reads give points that somebody else wrote.

    Args:
        payloads: take the place of the points' own, over and over.
        spare: so many points at the start of each list stay as they are.
        others: further fields, such as `vector=None`.
    """
    return Fault(name=_POINTS, args={"payloads": payloads, "spare": spare, "others": others})


def spoilt(reply: Any, request: Request) -> Any:  # noqa: ANN401 - any JSON
    """The reply to a request, with the points that `bad_points` has planned for it."""
    args = named(request, _POINTS)
    return reply if args is None else _with_bad_points(reply, args)


def _with_bad_points(reply: Any, args: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    match reply:
        case {"points": [*points]}:
            return {**reply, "points": _spoil(points, **args)}
        case [{"points": _}, *_]:
            return [_with_bad_points(part, args) for part in reply]
        case [{"id": _}, *_]:
            return _spoil(reply, **args)
    return reply


def _spoil(
    points: list[dict[str, Any]], payloads: Sequence[object], spare: int, others: dict[str, Any]
) -> list[dict[str, Any]]:
    good, bad = points[:spare], points[spare:]
    own = [{"payload": payloads[n % len(payloads)]} if payloads else {} for n in range(len(bad))]
    return good + [{**point, **new, **others} for point, new in zip(bad, own, strict=True)]
