"""A bad network in front of an HTTP server: resets, cuts, stalls, drips, refusals.

A TCP proxy that carries one request a connection: it asks the server to close after each, so a
fault hits exactly one exchange, and `at` counts the bytes of one response, head and all.
"""

import asyncio
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from emulators.plan import Plan
from emulators.server import base_url

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_CONTROL_S = 10.0

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter


@dataclass(frozen=True, slots=True)
class WireFault:
    """What happens to a response.

    Attributes:
        kind: `reset` ends the connection with RST; `close` ends it as if all had been sent;
            `stall` sends nothing more for `seconds`; `drip` sends byte by byte, `seconds` apart.
        at: bytes of the response that pass first. 0 is before any byte: `stall` there without
            an end is a black hole, with one it is latency.
        seconds: as `kind` says.
    """

    kind: Literal["reset", "close", "stall", "drip"]
    at: int = 0
    seconds: float = inf


@dataclass(slots=True)
class Passed:
    """A request's target, and how many bytes of its response have passed so far."""

    target: str
    size: int = 0


class Wire(Plan[WireFault]):
    """The proxy, to be told what to do; patterns are for the request's target.

    `wire.add("*:streamGenerateContent*", WireFault("reset", at=500), times=1)`

    Attributes:
        url: where it listens.
        passed: the last 1,000 responses, oldest first.
        connections: how many there have been.
    """

    def __init__(self, target_url: str) -> None:
        super().__init__()
        parts = urlsplit(target_url)
        self._target = (parts.hostname, parts.port)
        self._socket = _bound(0)
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = base_url(self._socket)
        self.passed: deque[Passed] = deque(maxlen=1_000)
        self.connections = 0

    def start(self) -> None:
        """Carry requests, in a thread of its own."""
        self._thread.start()
        self.accept()

    def stop(self) -> None:
        """Break off what is open and end the thread."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CONTROL_S)
        self._loop.close()

    def refuse(self) -> None:
        """From now on nobody listens on the port."""
        self._run(self._stop_listening())

    def accept(self) -> None:
        """Listen again."""
        self._run(self._listen())

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CONTROL_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket, backlog=1024)

    async def _stop_listening(self) -> None:
        port = self._socket.getsockname()[1]
        if self._server is not None:
            for listening in self._server.sockets:
                self._loop.remove_reader(listening)
            await asyncio.sleep(0)  # what was accepted just now gets its transport
            self._server.close()
        self._socket.close()
        # Bound and not listening: connections are refused, and nobody else gets the port.
        self._socket = _bound(port)

    async def _end(self) -> None:
        await self._stop_listening()
        self._socket.close()
        await _cancel(*(asyncio.all_tasks() - {asyncio.current_task()}))

    async def _serve(self, client: Reader, to_client: Writer) -> None:
        self.connections += 1
        try:
            await self._exchange(client, to_client)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            to_client.transport.abort()  # no request came, or nobody is there to ask
        finally:
            to_client.close()

    async def _exchange(self, client: Reader, to_client: Writer) -> None:
        head = await client.readuntil(b"\r\n\r\n")
        target = head.split(b" ", 2)[1].decode("latin-1")
        fault = self.take(target)
        server, to_server = await asyncio.open_connection(*self._target)
        try:
            to_server.write(_CONNECTION.sub(b"", head)[:-2] + b"connection: close\r\n\r\n")
            passed = Passed(target)
            self.passed.append(passed)
            asking = asyncio.ensure_future(_copy(client, to_server, Passed(target)))
            answering = asyncio.ensure_future(_answer(server, to_client, passed, fault))
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
            await _cancel(asking, answering)
        finally:
            to_server.transport.abort()


@contextmanager
def bad_wire(target_url: str) -> Iterator[Wire]:
    """A proxy in front of `target_url` for the length of the block."""
    wire = Wire(target_url)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()


async def _answer(
    server: Reader, to_client: Writer, passed: Passed, fault: WireFault | None
) -> None:
    """Pass the response on, as far as the fault lets it."""
    to_client.transport.set_write_buffer_limits(high=0)  # so that `drain` means sent
    await _copy(server, to_client, passed, most=fault.at if fault else inf)
    match fault:
        case WireFault("reset"):
            _reset(to_client)
        case WireFault("close"):
            to_client.close()
        case WireFault("stall"):
            await asyncio.sleep(fault.seconds)
            await _copy(server, to_client, passed)
        case WireFault("drip"):
            while await _copy(server, to_client, passed, most=passed.size + 1):  # noqa: ASYNC110 - a drip, not a poll
                await asyncio.sleep(fault.seconds)


async def _copy(source: Reader, sink: Writer, passed: Passed, *, most: float = inf) -> bool:
    """Bytes until the source ends, or so many have passed; whether it has more, for all we know."""
    while passed.size < most:
        data = await source.read(int(min(_CHUNK, most - passed.size)))
        if not data:
            return False
        passed.size += len(data)  # before the other end can know of them
        sink.write(data)
        await sink.drain()
    return True


def _reset(writer: Writer) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
