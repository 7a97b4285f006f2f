"""Secrets from Google Secret Manager: one read, and a value that is kept."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import google_crc32c
import requests
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import secretmanager
from google.protobuf import json_format
from pydantic import SecretStr

from docchat.errors import Misconfigured, SecretUnavailable

_LOGGER = logging.getLogger("docchat.secrets")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TRANSIENT = "secrets-unavailable"


class SecretManager:
    """Reads secret versions over REST, with the account that the process runs as."""

    def __init__(self, base_url: str | None = None, *, timeout_s: float = 3.0) -> None:
        """Opens nothing.

        Args:
            base_url: an emulator on this machine, asked without an account; None is the cloud.
            timeout_s: for one whole read, the account's token included.

        Raises:
            Misconfigured: `base_url` is not this machine's.
        """
        if base_url is not None and not _is_local(base_url):
            raise Misconfigured("SECRET_MANAGER_BASE_URL must be http:// to this machine")
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: secretmanager.SecretManagerServiceClient | None = None

    async def access(self, name: str) -> SecretStr:
        """The value of `projects/…/secrets/…/versions/…`, without one newline at its end.

        Raises:
            SecretUnavailable: `reason` is `secret-refused`, `secret-missing`,
                `secret-disabled`, or `secrets-unavailable` when trying again may help.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.to_thread(self._access, name)
        except TimeoutError as exc:
            raise _unavailable(name, "no answer in time") from exc

    def _access(self, name: str) -> SecretStr:
        with _translated(name):
            client = self._connected()
            # The client's own retries go on for 53 seconds.
            reply = client.access_secret_version(name=name, retry=None, timeout=self._timeout_s)
        data: bytes = reply.payload.data
        # The client does not look at the checksum.
        if google_crc32c.value(data) != reply.payload.data_crc32c:
            raise _unavailable(name, "the checksum is wrong")
        value = _text(name, data)
        if not value.strip():
            raise SecretUnavailable(f"{name}: the secret is empty", reason="secret-missing")
        return SecretStr(value)

    def _connected(self) -> "secretmanager.SecretManagerServiceClient":
        with self._lock:
            if self._client is None:
                self._client = _connect(self._base_url)
            return self._client


class CachedSecret:
    """One secret, read on first use and again when its time to live is over.

    While a new read fails, the last good value stays; without one, the next caller tries again.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[SecretStr]],
        *,
        ttl_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._ttl_s = ttl_s
        self._clock = clock
        self._value: SecretStr | None = None
        self._read_at = -math.inf
        self._reading: asyncio.Task[SecretStr] | None = None

    async def get(self) -> SecretStr:
        """The value. One read serves all who ask meanwhile, and its failure reaches all of them.

        Raises:
            SecretUnavailable: it was never read, and cannot be read now.
        """
        if self._value is not None and self._clock() - self._read_at < self._ttl_s:
            return self._value
        if self._reading is None:
            self._reading = asyncio.create_task(self._refresh())
            self._reading.add_done_callback(self._done)
        # Shielded: one caller who leaves must not take the others' read along.
        return await asyncio.shield(self._reading)

    async def _refresh(self) -> SecretStr:
        try:
            self._value = await self._read()
        except SecretUnavailable as exc:
            if self._value is None:
                raise
            _LOGGER.warning("secret not read again, the last value stays: %s", exc)
        self._read_at = self._clock()
        return self._value

    def _done(self, reading: "asyncio.Task[SecretStr]") -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # all who asked may have left; asyncio would complain


def _is_local(base_url: str) -> bool:
    url = urlsplit(base_url)
    return url.scheme == "http" and url.hostname in _LOOPBACK


def _connect(base_url: str | None) -> "secretmanager.SecretManagerServiceClient":
    # REST: gRPC's threads do not survive a fork, and it opens its channel more slowly.
    if base_url is None:
        return secretmanager.SecretManagerServiceClient(transport="rest")
    return secretmanager.SecretManagerServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=base_url),
    )


def _text(name: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # Without the cause: it holds the value.
        raise SecretUnavailable(f"{name}: not UTF-8", reason="secret-missing") from None
    return text.removesuffix("\n").removesuffix("\r")


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (exceptions.NotFound, exceptions.Forbidden, exceptions.Unauthorized) as exc:
        missing = isinstance(exc, exceptions.NotFound)
        reason = "secret-missing" if missing else "secret-refused"
        raise SecretUnavailable(f"{name}: {type(exc).__name__}", reason=reason) from exc
    except exceptions.BadRequest as exc:  # a version that is disabled or destroyed
        raise SecretUnavailable(f"{name}: not usable", reason="secret-disabled") from exc
    except (exceptions.GoogleAPICallError, requests.RequestException, TransportError) as exc:
        raise _unavailable(name, type(exc).__name__) from exc
    except GoogleAuthError as exc:
        why = f"{name}: no account: {type(exc).__name__}"
        raise SecretUnavailable(why, reason="secret-refused") from exc
    except (json_format.ParseError, ValueError):
        # Without the cause: it can quote the reply, which holds the value.
        raise _unavailable(name, "the reply is malformed") from None


def _unavailable(name: str, why: str) -> SecretUnavailable:
    return SecretUnavailable(f"{name}: {why}", reason=_TRANSIENT)
