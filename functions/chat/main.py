"""The chat function: a request in, an answer out."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import drain, logs
from docchat.runtime import process_runtime
from docchat.service import ChatService
from docchat.web.app import respond

drain.install()

_service = ChatService(process_runtime())
_routes = _service.routes()


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    """Serve one request."""
    logs.configure()
    _service.warm()
    return await respond(request, _routes, _service.origins)
