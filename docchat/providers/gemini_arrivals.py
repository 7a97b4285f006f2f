"""A body that is read while what came before is worked on, and taken as far as it has come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

_AHEAD = 64
"""Parts that wait for whoever takes them; a client that reads slowly slows the model's stream."""


async def arrived(body: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The body, as much of it at a time as has arrived; raises what reading it raises.

    HTTP libraries give out one chunk of a chunked body at a time, of many that came in one packet.
    """
    parts: list[bytes] = []
    news, room = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        try:
            async for part in body:
                parts.append(part)
                news.set()
                if len(parts) >= _AHEAD:
                    room.clear()
                    await room.wait()
        finally:
            news.set()

    reading = asyncio.create_task(read())
    try:
        while parts or not reading.done():
            await news.wait()
            news.clear()
            together = b"".join(parts)
            parts.clear()
            room.set()
            if together:
                yield together
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
