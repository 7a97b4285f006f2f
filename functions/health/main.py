"""The health function: are the parts that a chat needs ready?"""

import functools

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import logs
from docchat.web.app import Call, Endpoint, Routes, respond
from docchat.web.health import live, readiness


@functools.cache
def _readiness() -> Endpoint:
    # Imported here, because a probe for liveness needs none of it.
    from docchat.readiness import Readiness
    from docchat.runtime import process_runtime

    return readiness(Readiness(process_runtime()).check)


async def _ready(call: Call) -> Response:
    return await _readiness()(call)


_ROUTES: Routes = {
    "/health": {"GET": _ready, "HEAD": _ready},
    "/": {"GET": _ready, "HEAD": _ready},
    "/health/live": {"GET": live, "HEAD": live},
    "/live": {"GET": live, "HEAD": live},
}


@functions_framework.aio.http
async def health(request: Request) -> Response:
    """Serve one request."""
    logs.configure()
    return await respond(request, _ROUTES)
