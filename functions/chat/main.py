"""The chat function: a request in, an answer out."""

from typing import TYPE_CHECKING

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import drain
from docchat.prewarm import Prewarmed

if TYPE_CHECKING:
    from docchat.service import ChatService


def _make() -> "ChatService":
    # Imported here, so that the server listens at once.
    from docchat.runtime import process_runtime
    from docchat.service import ChatService

    return ChatService(process_runtime())


drain.install()
_service = Prewarmed(_make, warm=lambda service: service.warm())


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    """Serve one request."""
    return await (await _service.get()).respond(request)
