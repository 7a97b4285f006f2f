"""A body that is read while what came before is worked on, and taken as far as it has come."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

_AHEAD = 65_536
"""Bytes that wait for whoever takes them: a client that reads slowly slows the model's stream."""


async def arrived(body: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The body, as much of it at a time as has arrived; raises what reading it raises.

    HTTP libraries give out one chunk of a chunked body at a time, of many that came in one packet.
    """
    came = bytearray()
    news, room = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        try:
            async with aclosing(body):
                async for part in body:
                    came.extend(part)
                    news.set()
                    if len(came) >= _AHEAD:
                        room.clear()
                        await room.wait()
        finally:
            news.set()

    reading = asyncio.create_task(read())
    try:
        while came or not reading.done():
            await news.wait()
            news.clear()
            together = bytes(came)
            came.clear()
            room.set()
            if together:
                yield together
        await reading
    finally:
        reading.cancel()
        await _ended(reading)


async def _ended(reading: asyncio.Task[Any]) -> None:
    """Return when it has cleaned up.

    Starlette cancels the answer of a visitor who has left with every pass of the loop; handed on,
    that would cut off the transport in the middle of closing connections.
    """
    cut: asyncio.CancelledError | None = None
    while not reading.done():
        try:
            await asyncio.wait({reading})
        except asyncio.CancelledError as exc:
            cut = exc
    if not reading.cancelled():
        reading.exception()  # was raised already, or nobody waits for it any more
    if cut is not None:
        raise cut
