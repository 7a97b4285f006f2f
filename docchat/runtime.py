"""The composition root: which clients there are, built on first use, once, and kept.

Nothing is built before it is needed: gunicorn imports the functions in its master process, and
what is opened there is dead in the worker. The SDKs are imported inside the functions that
build their clients, because each takes up to three quarters of a second.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from pydantic import SecretStr

from docchat import indexes
from docchat.errors import KeyRefused, Misconfigured
from docchat.rotation import C, ClientPerKey
from docchat.settings import Settings, environment

if TYPE_CHECKING:
    # For the types alone: importing an SDK takes up to three quarters of a second.
    from docchat.providers.gemini import Gemini
    from docchat.providers.qdrant_threads import QdrantThreads
    from docchat.providers.secret_manager import SecretManager
    from docchat.providers.secret_manager_cache import CachedSecret

_REFUSABLE = ("gemini_api_key", "qdrant_api_key")


class Runtime:
    """The clients of one process.

    Args:
        read_environment: gives the variables.
        publish: where the indexer publishes, as `indexes.store`.
    """

    def __init__(
        self, read_environment: Callable[[], Mapping[str, str]] = environment, *, publish: str = ""
    ) -> None:
        self._read_environment = read_environment
        self._publish = publish
        self._secret_manager: SecretManager | None = None
        self._cached_secrets: dict[str, CachedSecret] = {}
        self._gemini = ClientPerKey(self.gemini_key, self._build_gemini)
        self._index = ClientPerKey(self.qdrant_key, self._build_index)
        self._threads = ClientPerKey(self.qdrant_key, self._build_threads)

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, parsed on first use.

        Raises:
            Misconfigured: names the variables that are wrong; tried again next time.
        """
        return Settings.from_mapping(self._read_environment())

    @functools.cached_property
    def allowed_origins(self) -> frozenset[str]:
        """The browsers' allow-list, known even while another setting is wrong.

        A page can only read an error that comes with its CORS headers.
        """
        return Settings.from_mapping(
            {"ALLOWED_ORIGINS": self._read_environment().get("ALLOWED_ORIGINS", "")}
        ).allowed_origins

    def warm(self) -> None:
        """Import the SDKs that the settings need, in the order in which they are needed.

        Raises:
            Misconfigured: the settings are wrong.
        """
        from docchat import tls

        tls.read_ahead()
        if self.settings.gemini_api_key_secret or self.settings.qdrant_api_key_secret:
            from docchat.providers import secret_manager  # noqa: F401
        indexes.warm(self.settings)
        from docchat.providers import gemini  # noqa: F401

    async def lease(self, leases: AsyncExitStack) -> "tuple[Gemini, indexes.Served]":
        """The clients for the current keys; they stay open as long as the stack.

        Raises:
            Misconfigured: a variable is missing.
            SecretUnavailable: Secret Manager did not give a key.
        """
        await asyncio.gather(self.gemini_key(), self.qdrant_key())  # the first time, both at once
        # First: an artifact is fetched while the SDK of Gemini is imported.
        index = await leases.enter_async_context(self._index.lease())
        return await leases.enter_async_context(self._gemini.lease()), index

    async def lease_threads(self, leases: AsyncExitStack) -> "QdrantThreads":
        """Where ChatKit's threads are kept; open as long as the stack. Raises as `lease`."""
        return await leases.enter_async_context(self._threads.lease())

    async def gemini(self) -> "Gemini":
        """As `lease`, for a process that ends before its keys change."""
        return await self._gemini.get()

    async def index(self) -> indexes.Served:
        """As `lease`, for a process that ends before its keys change."""
        return await self._index.get()

    async def reread_keys(self) -> None:
        """Ask Secret Manager whether there is another key, because one was refused.

        At most once in 30 seconds for each secret; those who ask meanwhile share one read. Raises
        nothing: while a read fails, the last key stays.
        """
        secrets = self._cached_secrets
        await asyncio.gather(*(secrets[name].reread() for name in _REFUSABLE if name in secrets))

    def open_index(self, key: SecretStr | None) -> indexes.Store:
        """The vector store as it is, for the indexer, which may find it empty."""
        self.settings.require_complete()
        return indexes.store(self.settings, key, self._publish)

    async def gemini_key(self) -> SecretStr | None:
        """The current Gemini key, from the environment or Secret Manager."""
        return await self._key("gemini_api_key")

    async def qdrant_key(self) -> SecretStr | None:
        """The current Qdrant key, from the environment or Secret Manager."""
        return await self._key("qdrant_api_key")

    async def caller_key(self) -> SecretStr | None:
        """The key that callers of the OpenAI-compatible routes send; None when they are off."""
        return await self._key("api_key")

    async def check_configuration(self) -> None:
        """Raises `Misconfigured` when a variable is wrong or missing."""
        self.settings.require_complete()

    async def check_secrets(self) -> None:
        """Raises `SecretUnavailable` when a key that Secret Manager keeps cannot be had."""
        await self.gemini_key()
        await self.qdrant_key()
        await self.caller_key()

    async def check_index(self) -> None:
        """Raises a `ServiceError` when the published index cannot be used."""
        await self._ask(self._index, lambda index: index.check())

    async def check_gemini(self) -> None:
        """Raises a `ServiceError` when Gemini refuses the key or does not know a model."""
        await self._ask(self._gemini, lambda gemini: gemini.check_models())

    async def aclose(self) -> None:
        """Let go of every client; the next use builds new ones."""
        await asyncio.gather(self._gemini.aclose(), self._index.aclose(), self._threads.aclose())

    async def _ask(self, clients: ClientPerKey[C], ask: Callable[[C], Awaitable[None]]) -> None:
        """Ask a client, and once more after a refusal if there is a new key."""
        async with clients.lease() as client:
            try:
                await ask(client)
            except KeyRefused:
                await self.reread_keys()
                if await clients.get() is client:
                    raise
            else:
                return
        async with clients.lease() as renewed:
            await ask(renewed)

    async def _key(self, name: str) -> SecretStr | None:
        secret: str | None = getattr(self.settings, f"{name}_secret")
        if secret is not None:
            if name not in self._cached_secrets:
                self._cached_secrets[name] = self._cached_secret(name, secret)
            return await self._cached_secrets[name].get()
        key: SecretStr | None = getattr(self.settings, name)
        return _sendable(key, name) if key else None

    def _cached_secret(self, name: str, secret: str) -> "CachedSecret":
        from docchat.providers.secret_manager import SecretManager
        from docchat.providers.secret_manager_cache import CachedSecret

        if self._secret_manager is None:
            self._secret_manager = SecretManager(self.settings.secret_manager_base_url)
        access = self._secret_manager.access

        async def read() -> SecretStr:
            return _sendable(await access(secret), name)

        return CachedSecret(secret, read, ttl_s=self.settings.secret_ttl_s)

    def _build_gemini(self, key: SecretStr | None) -> "Gemini":
        from docchat.providers.gemini import Gemini

        settings = self.settings
        settings.require_complete()
        assert key is not None  # noqa: S101 - complete settings have a key or name its secret
        return Gemini(
            key,
            embedding_model=settings.embedding_model,
            generative_model=settings.generative_model,
            dimension=settings.embedding_dimension,
            max_output_tokens=settings.max_output_tokens,
            base_url=settings.gemini_base_url,
        )

    def _build_index(self, key: SecretStr | None) -> indexes.Served:
        self.settings.require_complete()
        return indexes.served(self.settings, key)

    def _build_threads(self, key: SecretStr | None) -> "QdrantThreads":
        from docchat.providers.qdrant_threads import QdrantThreads

        settings = self.settings
        settings.require_complete()
        name = f"{settings.qdrant_collection_name}.threads"
        days = settings.chatkit_retention_days
        return QdrantThreads(str(settings.qdrant_host), key, name, retention_days=days)


def _sendable(key: SecretStr, name: str) -> SecretStr:
    """The key, if it can stand in a header; the clients' own errors would quote it."""
    text = key.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Misconfigured(f"{name.upper()} is empty or has characters that no key has")
    return key


@functools.cache
def process_runtime() -> Runtime:
    """The runtime that the functions of this process share."""
    return Runtime()
