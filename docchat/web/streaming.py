"""How an answer becomes a streamed response, in whatever protocol: begun late, ended once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from docchat.errors import DocchatError, ShuttingDown
from docchat.web.app import Call
from docchat.web.requests import attended

T = TypeVar("T")

Drain = asyncio.Event
"""Set when the instance is told to go."""

_KEEP_ALIVE = ": keep-alive\n\n"
_EVENT_STREAM = "text/event-stream"
_HEADERS = {"X-Accel-Buffering": "no"}  # some proxies would hold the pieces back


@dataclass(frozen=True, slots=True)
class StreamFormat(Generic[T]):
    """One wire protocol, for events of the type `T`.

    Attributes:
        encode: events and the answer's id → what is sent, up to the protocol's own end.
        encode_error: an error and the request's id → the other way for a stream to end.
        headers: further headers of the response.
        keep_alive_s: after so many seconds without anything to send, a comment is sent, so that
            nobody on the way takes the connection for dead.
    """

    encode: Callable[[AsyncIterator[T], str], AsyncGenerator[str]]
    encode_error: Callable[[DocchatError, str], str]
    headers: Mapping[str, str]
    keep_alive_s: float = 10.0


@dataclass(slots=True)
class _Line:
    """The way to the client."""

    send: Send
    said_at: float = 0.0

    async def say(self, text: str) -> None:
        await self.send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        self.said_at = asyncio.get_running_loop().time()


class _Stream(StreamingResponse, Generic[T]):
    """Closes the answer and writes the log line, even when nobody is there to read a byte."""

    def __init__(
        self,
        call: Call,
        first: T,
        rest: AsyncGenerator[T],
        wire: StreamFormat[T],
        drain: Drain,
    ) -> None:
        super().__init__((), headers={**_HEADERS, **wire.headers}, media_type=_EVENT_STREAM)
        self._call = call
        self._first = first
        self._rest = rest
        self._wire = wire
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._rest.aclose()
            self._call.finish(self.status_code)

    async def stream_response(self, send: Send) -> None:
        """As Starlette's, but it says how it ends, whatever happens."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        line = _Line(send)
        try:
            await self._say_all(line)
        except Exception as exc:  # noqa: BLE001 - the status is sent: only the stream can say it
            await line.say(self._wire.encode_error(self._call.fail(exc), self._call.id))
        except BaseException:  # the client left
            self._call.log["aborted"] = True
            raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _say_all(self, line: _Line) -> None:
        """Raises `ShuttingDown` when the instance is told to go before the last part."""
        limit = asyncio.timeout(None)
        try:
            async with (
                limit,
                aclosing(_joined(self._first, self._rest)) as events,
                aclosing(self._wire.encode(events, self._call.id)) as parts,
            ):
                minding = asyncio.create_task(self._mind(line, limit))
                try:
                    async for part in parts:
                        await line.say(part)
                finally:
                    minding.cancel()
        except TimeoutError as exc:
            if not limit.expired():
                raise
            raise ShuttingDown("the instance was told to stop") from exc

    async def _mind(self, line: _Line, limit: asyncio.Timeout) -> None:
        """Break long silences; when the instance is told to go, set the limit to now.

        One task beside the stream costs a third of what a race for every event does.
        """
        clock = asyncio.get_running_loop().time
        line.said_at = clock()
        while not self._drain.is_set():
            with suppress(TimeoutError):  # it is time to look whether there was a silence
                async with asyncio.timeout_at(line.said_at + self._wire.keep_alive_s):
                    await self._drain.wait()
            if clock() >= line.said_at + self._wire.keep_alive_s:
                await line.say(_KEEP_ALIVE)
        limit.reschedule(clock())


async def streamed(
    call: Call, events: AsyncGenerator[T], wire: StreamFormat[T], drain: Drain
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
    return _Stream(call, first, events, wire, drain)


async def _first(events: AsyncGenerator[T]) -> T:
    return await anext(events)


async def _joined(first: T, rest: AsyncGenerator[T]) -> AsyncGenerator[T]:
    yield first
    async for event in rest:
        yield event
