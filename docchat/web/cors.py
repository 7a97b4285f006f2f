"""Cross-origin rules: exact origins from an allow-list, echoed, without credentials."""

from collections.abc import Set as AbstractSet

from starlette.requests import Request
from starlette.responses import Response

from docchat.errors import OriginNotAllowed

# Chromium caps a preflight's life at two hours.
_MAX_AGE_S = "7200"


def check_origin(request: Request, allowed: AbstractSet[str]) -> None:
    """Refuse a browser on a site that is not listed; a caller without an origin is no browser.

    Raises:
        OriginNotAllowed: the request names an origin that is not on the list.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin not in allowed:
        raise OriginNotAllowed("the origin is not in ALLOWED_ORIGINS")


def add_headers(request: Request, response: Response, allowed: AbstractSet[str]) -> None:
    """Let the page read the response. Errors and streams need these headers just as well."""
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("origin")
    if origin is not None and origin in allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"


def preflight(methods: tuple[str, ...]) -> Response:
    """The answer to a browser that asks whether it may send the real request."""
    return Response(
        status_code=204,
        headers={
            "Allow": ", ".join(methods),
            "Access-Control-Allow-Methods": ", ".join(methods),
            # Some versions of the AI SDK set User-Agent; Safari and Firefox ask for it.
            "Access-Control-Allow-Headers": "Accept, Content-Type, User-Agent",
            "Access-Control-Max-Age": _MAX_AGE_S,
        },
    )
