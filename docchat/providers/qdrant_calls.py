"""The connection to a Qdrant server: its client, its address, time limits and errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from docchat.errors import UpstreamTimeout
from docchat.providers.qdrant_address import check_address
from docchat.providers.qdrant_errors import docchat_error

WRITE_TIMEOUT_S = 60.0

# httpx stops at 100 connections without a word, and the 101st search waits for its turn.
_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)


def connect(url: str, api_key: SecretStr | None) -> AsyncQdrantClient:
    """A client that has sent nothing yet.

    Raises:
        Misconfigured: the URL is not one, or the key would go over plain http.
    """
    check_address(url, with_key=api_key is not None)
    # As a header, because the client's own argument warns about plain http to this machine.
    headers = {"api-key": api_key.get_secret_value()} if api_key else None
    return AsyncQdrantClient(
        url=url,
        headers=headers,
        timeout=int(WRITE_TIMEOUT_S),
        limits=_LIMITS,
        check_compatibility=False,  # it would call the server from a thread, here and now
    )


@asynccontextmanager
async def calling(alias: str, timeout_s: float = WRITE_TIMEOUT_S) -> AsyncIterator[None]:
    """The time that the calls of this block have, and their errors as ours.

    Args:
        alias: the index's name, for the messages.
        timeout_s: for all of them together.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as exc:
        raise UpstreamTimeout(f"Qdrant did not answer within {timeout_s:g} s") from exc
    except (ApiException, QdrantException, ValueError, AssertionError) as exc:
        # The client lets JSON errors through, and asserts that there is a result.
        raise docchat_error(exc, alias) from exc
