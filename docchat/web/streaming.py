"""How an answer becomes a streamed response, in whatever protocol: begun late, ended once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from docchat.core.models import Event
from docchat.errors import DocchatError, ShuttingDown
from docchat.web.app import Call
from docchat.web.requests import attended

Drain = asyncio.Event
"""Set when the instance is told to go."""

_HEADERS = {"X-Accel-Buffering": "no"}  # some proxies would hold the pieces back


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """One wire protocol.

    Attributes:
        encode: events and the answer's id → what is sent, up to the protocol's own end.
        encode_error: an error and the request's id → the other way for a stream to end.
        headers: further headers of the response.
    """

    encode: Callable[[AsyncIterator[Event], str], AsyncIterator[str]]
    encode_error: Callable[[DocchatError, str], str]
    headers: Mapping[str, str]


class _Stream(StreamingResponse):
    """Closes the answer and writes the log line, even when nobody is there to read a byte."""

    def __init__(
        self,
        call: Call,
        events: AsyncGenerator[Event],
        body: AsyncIterator[str],
        wire: StreamFormat,
    ) -> None:
        super().__init__(body, headers={**_HEADERS, **wire.headers}, media_type="text/event-stream")
        self._call = call
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()
            self._call.finish(self.status_code)


async def streamed(
    call: Call, events: AsyncGenerator[Event], wire: StreamFormat, drain: Drain
) -> Response:
    """Start the response only once there is something to send: until then a failure is a status.

    Raises:
        CallerLeft: the caller has closed the connection.
        ShuttingDown: the instance was told to stop.
        DocchatError: the answer failed before its first event.
    """
    try:
        first = await attended(call.request, _first(events), drain)
    except BaseException:
        await events.aclose()
        raise
    return _Stream(call, events, _body(call, first, events, wire, drain), wire)


async def _first(events: AsyncGenerator[Event]) -> Event:
    return await anext(events)


async def _body(
    call: Call, first: Event, rest: AsyncGenerator[Event], wire: StreamFormat, drain: Drain
) -> AsyncGenerator[str]:
    try:
        async with aclosing(_until(drain, first, rest)) as events:
            async for part in wire.encode(events, call.id):
                yield part
    except Exception as exc:  # noqa: BLE001 - the status is sent: only the stream can still say it
        yield wire.encode_error(call.fail(exc), call.id)
    except BaseException:  # the client left
        call.log["aborted"] = True
        raise


async def _until(drain: Drain, first: Event, rest: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """The events, unless the instance is told to go before the last one."""
    going = asyncio.ensure_future(drain.wait())
    event: Event | None = first
    try:
        while event is not None:
            yield event
            event = await _unless(going, anext(rest, None))
    finally:
        going.cancel()


async def _unless(going: asyncio.Future[Any], following: Awaitable[Event | None]) -> Event | None:
    waiting: asyncio.Future[Any] = asyncio.ensure_future(following)
    try:
        await asyncio.wait({waiting, going}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ShuttingDown("the instance was told to stop")
        event: Event | None = waiting.result()
        return event
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.wait({waiting})
