"""A Gemini whose replies are written out, byte by byte, for what the emulator never says."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from docchat.core.models import Piece, Prompt, Role, Turn
from docchat.providers.gemini import Gemini

KEY = "AIzaSyA-0123456789abcdefghijklmnopqrstu"
PROMPT = Prompt("the rules", (Turn(Role.USER, "the question"),))

_LAST_CHUNK = b"0\r\n\r\n"

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """What a scripted server got."""

    url: str = ""
    heads: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def scripted(script: Script) -> AsyncGenerator[Upstream]:
    """A server that answers each request by running `script`."""
    upstream = Upstream()
    serving: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving[writer] = asyncio.current_task()
        while head := (await _head(reader)):
            upstream.heads.append(head)
            length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0] or 0)
            upstream.bodies.append(json.loads(await reader.readexactly(length) or b"{}"))
            await script(writer)
        upstream.hung_up.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        for writer in serving:
            writer.close()
        await asyncio.gather(*filter(None, serving.values()))


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncGenerator[Gemini]:
    """A client of the server at `url`."""
    chosen: dict[str, Any] = {
        "embedding_model": "gemini-embedding-001",
        "generative_model": "gemini-3.8-flash",
        **options,
    }
    gemini = Gemini(SecretStr(KEY), base_url=url, **chosen)
    try:
        yield gemini
    finally:
        await gemini.aclose()


@asynccontextmanager
async def talking(script: Script, **options: Any) -> AsyncGenerator[tuple[Upstream, Gemini]]:
    """A scripted server and a client of it."""
    async with scripted(script) as upstream, connected(upstream.url, **options) as gemini:
        yield upstream, gemini


async def said(gemini: Gemini, prompt: Prompt = PROMPT) -> list[Piece]:
    """Every piece of one answer."""
    async with aclosing(gemini.stream(prompt)) as pieces:
        return [piece async for piece in pieces]


def reply(body: object, status: str = "200 OK") -> Script:
    """One complete reply; the body is JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def send(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()

    return send


def stream(*events: object, then: Script | None = None) -> Script:
    """Events of a stream, then its proper end, or whatever `then` does in its place."""

    async def send(writer: asyncio.StreamWriter) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        _write(writer, events)
        await writer.drain()
        await (then or _end)(writer)

    return send


def in_one_packet(*events: object) -> Script:
    """A whole stream, written at once."""

    async def send(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(b"".join([head, *map(_chunk, events), _LAST_CHUNK]))
        await writer.drain()

    return send


def pause(*events: object) -> Script:
    """Further events of a stream, later, and its proper end."""

    async def send(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        _write(writer, events)
        await _end(writer)

    return send


async def reset(writer: asyncio.StreamWriter) -> None:
    """Breaks the connection."""
    raw: socket.socket = writer.get_extra_info("socket")
    await asyncio.sleep(0.05)  # what was written before is read before
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close(writer: asyncio.StreamWriter) -> None:
    """Ends the connection."""
    writer.close()


async def stall(_writer: asyncio.StreamWriter) -> None:
    """Sends nothing more."""


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One event of a stream."""
    candidate: dict[str, Any] = {"index": 0}
    if text is not None:
        candidate["content"] = {"role": "model", "parts": [{"text": text}]}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **more}


def _write(writer: asyncio.StreamWriter, events: Iterable[object]) -> None:
    for event in events:
        writer.write(_chunk(event))


def _chunk(event: object) -> bytes:
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    line = b"data: " + text + b"\r\n\r\n"
    return b"%x\r\n%b\r\n" % (len(line), line)


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.write(_LAST_CHUNK)
    await writer.drain()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""
