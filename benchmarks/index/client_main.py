"""`functions/chat/main.py`, with qdrant-client imported where that imports docchat."""

from typing import TYPE_CHECKING

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import drain
from docchat.prewarm import Prewarmed

if TYPE_CHECKING:
    from docchat.service import ChatService


def _make() -> "ChatService":
    from benchmarks.index.through_client import service  # noqa: PLC0415 - as the function does

    return service()


drain.install()
_service = Prewarmed(_make, warm=lambda service: service.warm())


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    """Serve one request."""
    return await (await _service.get()).respond(request)
