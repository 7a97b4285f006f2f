"""The chat function's frame around handlers that raise what nobody expects."""

from collections.abc import AsyncGenerator

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import logs
from docchat.core.models import Event, TextDelta
from docchat.drain import DRAIN
from docchat.runtime import process_runtime
from docchat.web import ui_stream
from docchat.web.app import Call, respond
from docchat.web.streaming import streamed

logs.configure()

SECRET = "canary-5d1f, as in an exception that quotes the visitor"


async def before(call: Call) -> Response:
    raise LookupError(SECRET)


async def midway(call: Call) -> Response:
    return await streamed(call, _events(), ui_stream.FORMAT, DRAIN)


async def _events() -> AsyncGenerator[Event]:
    yield TextDelta("The answer begins")
    raise LookupError(SECRET)


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    routes = {"/": {"POST": before}, "/chat": {"POST": before}, "/midway": {"POST": midway}}
    return await respond(request, routes, lambda: process_runtime().allowed_origins)
