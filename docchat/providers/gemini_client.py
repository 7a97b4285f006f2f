"""google-genai on a transport, limits and time-outs that are chosen here."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx2
from google import genai
from google.genai import types
from pydantic import SecretStr

from docchat.errors import Misconfigured

POOL = 1000
"""Connections. Each open stream holds one: of 500 streams over httpx2's own 100 connections,
the slowest waited 30 s for its first piece."""

TIMEOUTS = httpx2.Timeout(connect=3.0, read=60.0, write=10.0, pool=3.0)
"""Seconds. An answer's own, shorter limits are `docchat.deadlines`'; `read` is for the indexer."""

_IDLE = 20  # connections that are kept open: with every request, the pool looks at each of them

_DIVERTED: ContextVar[list[httpx2.Response] | None] = ContextVar("diverted", default=None)

_LIMITS = httpx2.Limits(max_connections=POOL, max_keepalive_connections=_IDLE)


def connect(
    api_key: SecretStr, base_url: str | None, timeouts: httpx2.Timeout
) -> tuple[genai.Client, httpx2.AsyncClient]:
    """The SDK on an HTTP client of ours, which the caller closes.

    Left to itself, the SDK takes aiohttp where that is installed: time-outs, retries and
    disconnects would be others there. The synchronous client and the context for web sockets are
    never used; giving them saves the SDK from reading the trusted certificates twice more.

    Raises:
        Misconfigured: the key cannot be a key.
    """
    tls = httpx2.create_ssl_context()
    http = _http_client(tls, timeouts)
    options = types.HttpOptions(
        base_url=base_url,
        httpx_async_client=http,
        httpx_client=httpx2.Client(verify=tls),
        async_client_args={"ssl": tls},
    )
    return genai.Client(vertexai=False, api_key=_sendable(api_key), http_options=options), http


@contextmanager
def diverted() -> Iterator[list[httpx2.Response]]:
    """The streams that Gemini answers with in this block; the SDK finds nothing to read in them.

    It would make a model of some hundred fields of every event, which took half of an answer's
    processor time. Requests and refusals stay its own. Who opens the block closes the streams.
    """
    streams: list[httpx2.Response] = []
    token = _DIVERTED.set(streams)
    try:
        yield streams
    finally:
        _DIVERTED.reset(token)


async def _divert(reply: httpx2.Response) -> None:
    streams = _DIVERTED.get()
    if streams is None or not reply.is_success:
        return
    streams.append(
        httpx2.Response(
            reply.status_code, headers=reply.headers, stream=reply.stream, request=reply.request
        )
    )
    reply.stream = httpx2.ByteStream(b"")


def _http_client(tls: ssl.SSLContext, timeouts: httpx2.Timeout) -> httpx2.AsyncClient:
    """Limits and time-outs in one place.

    The SDK hands every request its own single time-out, or none, in place of the client's. Set
    as an option of the SDK, it would also be sent to Gemini as the limit for a whole answer.
    """

    async def set_timeouts(request: httpx2.Request) -> None:
        request.extensions["timeout"] = timeouts.as_dict()

    return httpx2.AsyncClient(
        verify=tls, limits=_LIMITS, event_hooks={"request": [set_timeouts], "response": [_divert]}
    )


def _sendable(api_key: SecretStr) -> str:
    """The key, if it can stand in a header; the transport's own error would quote it."""
    key = api_key.get_secret_value().strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured("the Gemini key is empty or has characters that no key has")
    return key
