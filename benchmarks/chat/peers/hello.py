"""The platform's floor: functions-framework streams twenty pieces that it has at hand."""

import json
from collections.abc import AsyncIterator

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

_PIECES = 20


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    """Greet."""
    if request.method == "GET":
        return PlainTextResponse("ok")
    return StreamingResponse(_greeting(), media_type="text/event-stream")


async def _greeting() -> AsyncIterator[str]:
    for number in range(_PIECES):
        yield f"data: {json.dumps({'type': 'text-delta', 'delta': f'Hello, world {number}. '})}\n\n"
    yield "data: [DONE]\n\n"
