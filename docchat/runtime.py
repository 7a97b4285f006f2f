"""The composition root: which clients there are, built on first use, once, and kept.

Nothing is built before it is needed: gunicorn imports the functions in its master process, and
what is opened there is dead in the worker. The SDKs are imported inside the functions that
build their clients, because each takes up to three quarters of a second.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import SecretStr

from docchat.errors import IndexUnavailable
from docchat.settings import Settings, environment

if TYPE_CHECKING:
    # For the types alone: importing an SDK takes up to three quarters of a second.
    from docchat.core.models import Manifest
    from docchat.providers.gemini import Gemini
    from docchat.providers.qdrant import QdrantIndex
    from docchat.providers.qdrant_edge import EdgeIndex
    from docchat.providers.secret_manager import CachedSecret, SecretManager

C = TypeVar("C")
ReadKey = Callable[[], Awaitable[SecretStr | None]]


class ClientPerKey(Generic[C]):
    """One client for the current key, built once however many ask at the same time.

    A failure is not remembered: the next one who asks tries again. When the key has changed, a
    new client is built; the old one lives on in the streams that use it.
    """

    def __init__(
        self, read_key: ReadKey, build: Callable[[SecretStr | None], Awaitable[C]]
    ) -> None:
        self._read_key = read_key
        self._build = build
        self._lock = asyncio.Lock()
        self._built: tuple[SecretStr | None, C] | None = None

    async def get(self) -> C:
        """The client; raises what reading the key or building the client raises."""
        key = await self._read_key()
        async with self._lock:
            if self._built is None or self._built[0] != key:
                self._built = key, await self._build(key)
            return self._built[1]

    def pop(self) -> C | None:
        """The client if there is one; it is forgotten here."""
        built, self._built = self._built, None
        return built[1] if built else None


class Runtime:
    """The clients of one process."""

    def __init__(self, read_environment: Callable[[], Mapping[str, str]] = environment) -> None:
        self._read_environment = read_environment
        self._secret_manager: SecretManager | None = None
        self._cached_secrets: dict[str, CachedSecret] = {}
        self._gemini = ClientPerKey(self.gemini_key, self._build_gemini)
        self._index = ClientPerKey(self.qdrant_key, self._build_index)

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

    async def gemini(self) -> "Gemini":
        """The Gemini client for the current key.

        Raises:
            Misconfigured: a variable is missing.
            SecretUnavailable: Secret Manager did not give the key.
        """
        return await self._gemini.get()

    async def index(self) -> "QdrantIndex | EdgeIndex":
        """The vector store, once its published index was seen to fit the settings.

        Raises:
            Misconfigured: a variable is missing.
            SecretUnavailable: Secret Manager did not give the key.
            IndexUnavailable: nothing is published, or it was made with other settings.
        """
        return await self._index.get()

    def open_index(self, key: SecretStr | None) -> "QdrantIndex | EdgeIndex":
        """The vector store as it is, for the indexer, which may find it empty."""
        self.settings.require_complete()
        folder, name = self.settings.index_folder, self.settings.qdrant_collection_name
        if folder is not None:
            from docchat.providers.qdrant_edge import EdgeIndex

            return EdgeIndex(folder, name)
        from docchat.providers.qdrant import QdrantIndex

        return QdrantIndex(str(self.settings.qdrant_host), key, name)

    async def gemini_key(self) -> SecretStr | None:
        """The current Gemini key, from the environment or Secret Manager."""
        return await self._key(self.settings.gemini_api_key, self.settings.gemini_api_key_secret)

    async def qdrant_key(self) -> SecretStr | None:
        """The current Qdrant key, from the environment or Secret Manager."""
        return await self._key(self.settings.qdrant_api_key, self.settings.qdrant_api_key_secret)

    async def check_configuration(self) -> None:
        """Raises `Misconfigured` when a variable is wrong or missing."""
        self.settings.require_complete()

    async def check_secrets(self) -> None:
        """Raises `SecretUnavailable` when a key that Secret Manager keeps cannot be had."""
        await self.gemini_key()
        await self.qdrant_key()

    async def check_index(self) -> None:
        """Raises a `ServiceError` when the published index cannot be used."""
        index = await self.index()
        _refuse_mismatch(await index.manifest(), self.settings)
        await index.vectors([])  # on disk, a manifest can outlive its files: this opens them

    async def check_gemini(self) -> None:
        """Raises a `ServiceError` when Gemini refuses the key or does not know a model."""
        gemini = await self.gemini()
        await gemini.check_models()

    async def aclose(self) -> None:
        """Let go of every client; the next use builds new ones."""
        for client in (self._gemini.pop(), self._index.pop()):
            if client is not None:
                await client.aclose()

    async def _key(self, value: SecretStr | None, secret: str | None) -> SecretStr | None:
        if secret is None:
            return value
        if secret not in self._cached_secrets:
            self._cached_secrets[secret] = self._cached_secret(secret)
        return await self._cached_secrets[secret].get()

    def _cached_secret(self, secret: str) -> "CachedSecret":
        from docchat.providers.secret_manager import CachedSecret, SecretManager

        if self._secret_manager is None:
            self._secret_manager = SecretManager(self.settings.secret_manager_base_url)
        return CachedSecret(functools.partial(self._secret_manager.access, secret))

    async def _build_gemini(self, key: SecretStr | None) -> "Gemini":
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

    async def _build_index(self, key: SecretStr | None) -> "QdrantIndex | EdgeIndex":
        index = self.open_index(key)
        try:
            _refuse_mismatch(await index.manifest(), self.settings)
        except BaseException:
            await index.aclose()
            raise
        return index


def _refuse_mismatch(manifest: "Manifest | None", settings: Settings) -> None:
    if manifest is None:
        raise IndexUnavailable(
            f"nothing is indexed as {settings.qdrant_collection_name}: run the indexer",
            reason="collection-missing",
        )
    made = (manifest.embedding_model, manifest.dimension)
    asked = (settings.embedding_model, settings.embedding_dimension)
    if made != asked:
        raise IndexUnavailable(
            f"the index was made with {made[0]} in {made[1]} dimensions, the settings say"
            f" {asked[0]} in {asked[1]}: index again, or set EMBEDDING_MODEL={made[0]} and"
            f" EMBEDDING_DIMENSION={made[1]}",
            reason="made-with-another-model",
        )


@functools.cache
def process_runtime() -> Runtime:
    """The runtime that the functions of this process share."""
    return Runtime()
