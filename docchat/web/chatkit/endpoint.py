"""`POST /chatkit`: OpenAI's ChatKit talks to docchat, through OpenAI's own SDK.

To import this takes two seconds and 70 MB, so nothing does before it is needed.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import anyio
from chatkit.server import StreamingResult
from chatkit.types import ChatKitReq, StreamingReq, ThreadsCreateReq, is_streaming_req
from starlette.responses import Response

from docchat.errors import DocchatError, FieldError, InvalidRequest
from docchat.web.app import Call, Endpoint
from docchat.web.chat import Chat, open_answer
from docchat.web.chatkit.asked import asked, parse, serialised
from docchat.web.chatkit.carried import CarriedThreads
from docchat.web.chatkit.server import Answering, title_of
from docchat.web.chatkit.store import Threads, ThreadStore
from docchat.web.requests import attended, read_json
from docchat.web.streaming import StreamFormat, streamed

OpenThreads = Callable[[AsyncExitStack, str], Awaitable[Threads]]
"""Gives an owner's threads, as long as the stack is open."""

_OWNER = re.compile(r"[A-Za-z0-9_-]{32,128}")


def endpoint(chat: Chat, open_threads: OpenThreads | None) -> Endpoint:
    """The route's handler.

    Args:
        chat: the flow.
        open_threads: where threads are kept; None where the request brings them.
    """
    # It prints what it gets and how it fails, in a form of its own; our line has what counts.
    logging.getLogger("chatkit").disabled = True

    async def store_of(request: ChatKitReq, leases: AsyncExitStack) -> ThreadStore:
        if open_threads is None:
            return ThreadStore(CarriedThreads(request))
        return ThreadStore(await open_threads(leases, _owner(request.metadata)))

    async def whole(request: ChatKitReq, text: str, call: Call) -> Response:
        async with AsyncExitStack() as leases:
            server = Answering(await store_of(request, leases))
            result = await server.process(text, call)
        assert not isinstance(result, StreamingResult)  # noqa: S101 - these requests have none
        return Response(result.json, media_type="application/json")

    async def parts(request: StreamingReq, text: str, call: Call) -> AsyncGenerator[str]:
        async with AsyncExitStack() as leases:
            store = await store_of(request, leases)
            question = await asked(request, store, call)
            events = open_answer(chat, question, call)
            await leases.enter_async_context(aclosing(events))
            title = title_of(question.text) if isinstance(request, ThreadsCreateReq) else None
            server = Answering(store, events, chat.wording(question).searching, title)
            async with aclosing(_parts(server, text, call)) as said:
                async for part in said:
                    yield part

    async def post(call: Call) -> Response:
        request = parse(await read_json(call.request))
        call.log["chatkit"] = request.type
        text = serialised(request)
        if is_streaming_req(request):
            chat.door.slots.refuse_when_full()
            return await streamed(call, parts(request, text, call), _FORMAT, chat.drain)
        return await attended(call.request, whole(request, text, call), chat.drain)

    return post


async def _parts(server: Answering, text: str, call: Call) -> AsyncGenerator[str]:
    result = await server.process(text, call)
    assert isinstance(result, StreamingResult)  # noqa: S101 - these requests have one
    try:
        async with aclosing(result.json_events) as events:
            async for event in events:
                yield event.decode()
    except (asyncio.CancelledError, GeneratorExit):
        with anyio.CancelScope(shield=True):  # the visitor has left, the answer so far is theirs
            await server.keep_partial(call)
        raise


async def _encode(parts: AsyncIterator[str], _: str) -> AsyncGenerator[str]:
    async for part in parts:
        yield part


def _encode_error(error: DocchatError, _: str) -> str:
    event = {
        "type": "error",
        "code": "custom",
        "message": error.detail,
        "allow_retry": not error.needs_operator,
    }
    return f"data: {json.dumps(event)}\n\n"


_FORMAT = StreamFormat(_encode, _encode_error, {})


def _owner(metadata: dict[str, Any]) -> str:
    """Who asks, as the page's secret names them; kept as a hash, so the store opens no thread."""
    owner = metadata.get("owner", "")
    if owner == "":
        return ""
    if not isinstance(owner, str) or not _OWNER.fullmatch(owner):
        rule = "must be 32 to 128 letters, digits, - and _"
        raise InvalidRequest(FieldError("/metadata/owner", rule))
    return hashlib.sha256(owner.encode()).hexdigest()
