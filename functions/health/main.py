"""The health function: are the parts that a chat needs ready?"""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import logs
from docchat.readiness import Readiness
from docchat.runtime import process_runtime
from docchat.web.app import Routes, respond
from docchat.web.health import live, readiness

_ready = readiness(Readiness(process_runtime()).check)
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
