"""Tells open streams when the instance is told to go.

functions-framework leaves no hook for the end of a process, and gunicorn waits longer for open
streams than Cloud Run's ten seconds. So uvicorn's own signal handler is wrapped; a test holds
this against the pinned version.
"""

import asyncio
import functools
from types import FrameType

import uvicorn

DRAIN = asyncio.Event()
"""Set from the moment on at which the server was told to stop."""


def install() -> None:
    """Set `DRAIN` when uvicorn gets its signal; before the fork is early enough."""
    handle_exit = uvicorn.Server.handle_exit

    @functools.wraps(handle_exit)
    def draining(server: uvicorn.Server, sig: int, frame: FrameType | None) -> None:
        # uvicorn's loop wakes up every 0.1 s, so the waiters see it without a push.
        DRAIN.set()
        handle_exit(server, sig, frame)

    uvicorn.Server.handle_exit = draining  # type: ignore[method-assign, assignment]
