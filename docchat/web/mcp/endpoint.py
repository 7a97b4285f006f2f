"""`POST /mcp`: agents talk to docchat, through the official SDK of the Model Context Protocol.

To import this takes half a second, so nothing does before it is needed. Every request stands alone:
no session, no stream, one JSON answer.
"""

import asyncio
import json
import logging
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import Message

from docchat.web.app import Call, Endpoint
from docchat.web.mcp.tools import DocsTools, Search
from docchat.web.requests import attended, read_json

_INSTRUCTIONS = (
    "search_docs finds passages of the documentation, ask_docs answers a question from it. Cite the"
    " URLs that they return."
)

_METHODS = frozenset(
    {"initialize", "notifications/initialized", "ping", "server/discover", "tools/call"}
    | {"tools/list"}
)
"""What the log may say of a message; others are `other`."""


def endpoint(search: Search) -> Endpoint:
    """The route's handler, on top of the chat flow and its search."""
    # It tells of every request in a form of its own, and quotes it; our line has what counts.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)

    async def post(call: Call) -> Response:
        message = await read_json(call.request)
        call.log["mcp"] = _method(message)
        return await attended(call.request, _served(search, call, message), search.drain)

    return post


async def _served(search: Search, call: Call, message: dict[str, Any]) -> Response:
    """The SDK's answer; it gets the message that was read within our limits."""
    tools = DocsTools(search, call)
    server = Server(
        "docchat",
        title=str(search.public()["title"]),
        instructions=_INSTRUCTIONS,
        on_list_tools=tools.list_tools,
        on_call_tool=tools.call_tool,
    )
    manager = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
    exchange = _Exchange(json.dumps(message).encode())
    async with manager.run():
        await manager.handle_request(call.request.scope, exchange.receive, exchange.send)
    return exchange.response()


class _Exchange:
    """A request that was read and a response that is whole, as ASGI wants them."""

    def __init__(self, body: bytes) -> None:
        self._unread = [body]
        self._status, self._type = 500, ""
        self._body = bytearray()

    async def receive(self) -> Message:
        """The body, and then nothing more: the caller's leaving is noticed elsewhere."""
        if not self._unread:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.request", "body": self._unread.pop(), "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            self._status, self._type = message["status"], headers.get(b"content-type", b"").decode()
        else:
            self._body += message.get("body", b"")

    def response(self) -> Response:
        """What was sent; its other headers are for sessions and streams, which there are none."""
        return Response(bytes(self._body), self._status, media_type=self._type or None)


def _method(message: dict[str, Any]) -> str:
    method = message.get("method")
    return method if isinstance(method, str) and method in _METHODS else "other"
