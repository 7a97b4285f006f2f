"""The trusted certificates, read once for the clients that an answer waits for: Gemini's, Qdrant's.

Only for clients on the event loop: each new connection writes to the context that it is given.
"""

import functools
import ssl
import threading
from contextlib import suppress

import httpx2

_reading = threading.Lock()


def trusted() -> ssl.SSLContext:
    """The context for a client. To read it takes 20 ms, in which other threads run.

    Raises:
        OSError: the certificates cannot be read.
    """
    with _reading:
        return _read()


def read_ahead() -> None:
    """Read them in a thread: whoever needs them is told what fails."""
    threading.Thread(target=_try_to_read, name="certificates", daemon=True).start()


@functools.cache
def _read() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _try_to_read() -> None:
    with suppress(OSError):
        trusted()
