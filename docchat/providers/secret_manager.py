"""Secrets from Google Secret Manager."""

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
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

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TRANSIENT = "secrets-unavailable"


class SecretManager:
    """Reads secret versions over REST, with the account that the process runs as."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        timeout_s: float = 3.0,
        waits_s: Sequence[float] = (0.1, 0.3, 0.9),
    ) -> None:
        """Opens nothing.

        Args:
            base_url: an emulator on this machine, asked without an account; None is the cloud.
            timeout_s: for one whole read, the account's token and further tries included.
            waits_s: about how long to wait before each further try, where one may help.

        Raises:
            Misconfigured: `base_url` is not this machine's.
        """
        if base_url is not None and not _is_local(base_url):
            raise Misconfigured("SECRET_MANAGER_BASE_URL must be http:// to this machine")
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._waits_s = waits_s
        self._lock = threading.Lock()
        self._client: secretmanager.SecretManagerServiceClient | None = None

    async def access(self, name: str) -> SecretStr:
        """The value of `projects/…/secrets/…/versions/…`, without one newline at its end.

        Raises:
            SecretUnavailable: `reason` is `secret-refused`, `secret-missing`,
                `secret-disabled`, or `secrets-unavailable` when trying again may help.
        """
        failures = [_unavailable(name, "no answer in time")]
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._persist(name, failures)
        except TimeoutError as exc:
            raise failures[-1] from exc

    async def _persist(self, name: str, failures: list[SecretUnavailable]) -> SecretStr:
        """Try, and try again; `failures` keeps why, for when the time is over."""
        for wait_s in self._waits_s:
            try:
                return await asyncio.to_thread(self._access, name)
            except SecretUnavailable as exc:
                if exc.reason != _TRANSIENT:
                    raise
                failures.append(exc)
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - not secret
        return await asyncio.to_thread(self._access, name)

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
