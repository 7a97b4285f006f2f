"""Runs an emulator on a free port: in a thread for tests, as a process for the command line."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

_START_DEADLINE_S = 10.0


@contextmanager
def serve_in_thread(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback for the length of the block; yields its base URL.

    Args:
        app: any ASGI application.
        port: 0 lets the operating system choose a free one.
    """
    listener = _listen(port)
    server = uvicorn.Server(_config(app))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield base_url(listener)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_DEADLINE_S)
        listener.close()


def serve_forever(app: ASGIApp, *, name: str, port: int = 0) -> None:
    """Serve `app` on loopback until interrupted, after printing what it is and where."""
    listener = _listen(port)
    print(f"{name} (an emulator, not the real service): {base_url(listener)}", flush=True)
    with suppress(KeyboardInterrupt):  # Ctrl-C is how a person stops it
        uvicorn.Server(_config(app)).run([listener])


def base_url(listener: socket.socket) -> str:
    """The URL at which a bound loopback socket is reached."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; without, each reply waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    deadline = _START_DEADLINE_S / 0.01
    while not server.started and thread.is_alive() and deadline > 0:
        waited.wait(0.01)
        deadline -= 1
    if not server.started:
        raise RuntimeError("the emulator did not start")
