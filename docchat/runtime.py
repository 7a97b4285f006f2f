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

from docchat.errors import IndexUnavailable, Misconfigured
from docchat.settings import Settings, environment

if TYPE_CHECKING:
    # For the types alone: importing an SDK takes up to three quarters of a second.
    from docchat.core.models import Manifest, Retrieved, SparseVector, Vector
    from docchat.providers.gemini import Gemini
    from docchat.providers.qdrant import QdrantIndex
    from docchat.providers.qdrant_edge import EdgeIndex
    from docchat.providers.secret_manager import CachedSecret, SecretManager

C = TypeVar("C")
ReadKey = Callable[[], Awaitable[SecretStr | None]]


class ClientPerKey(Generic[C]):
    """One client for the current key, built once however many ask at the same time.

    A failure reaches all who were waiting and is not remembered: the next one who asks tries
    again. When the key has changed, a new client is built; the old one lives on in the streams
    that use it.
    """

    def __init__(
        self, read_key: ReadKey, build: Callable[[SecretStr | None], Awaitable[C]]
    ) -> None:
        self._read_key = read_key
        self._build = build
        self._built: tuple[SecretStr | None, C] | None = None
        self._building: tuple[SecretStr | None, asyncio.Future[C]] | None = None

    async def get(self) -> C:
        """The client; raises what reading the key or building the client raises."""
        key = await self._read_key()
        if self._built is not None and self._built[0] == key:
            return self._built[1]
        if self._building is None or self._building[0] != key:
            self._building = key, asyncio.ensure_future(self._build(key))
            self._building[1].add_done_callback(self._finish)
        # Shielded: who gives up waiting does not take the client from the others.
        return await asyncio.shield(self._building[1])

    def pop(self) -> C | None:
        """The client if there is one; it is forgotten here."""
        built, self._built = self._built, None
        return built[1] if built else None

    def _finish(self, built: asyncio.Future[C]) -> None:
        failed = built.cancelled() or built.exception() is not None
        if self._building is None or self._building[1] is not built:
            return  # the key has changed meanwhile
        key, self._building = self._building[0], None
        if not failed:
            self._built = key, built.result()


class CheckedIndex:
    """A vector store whose every version is held against the settings before it is used.

    The indexer may publish an index made with another model at any time; its vectors would be
    compared with the question's and mean nothing.
    """

    def __init__(self, store: "QdrantIndex | EdgeIndex", settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._checked_version: str | None = None

    async def search(self, dense: "Vector", sparse: "SparseVector", limit: int) -> "Retrieved":
        """As `PassageIndex.search`.

        Raises:
            IndexUnavailable: nothing is published, or it was made with other settings.
        """
        found = await self._store.search(dense, sparse, limit)
        if found.passages and found.index_version != self._checked_version:
            _refuse_mismatch(await self._store.manifest(), self._settings)
            self._checked_version = found.index_version
        return found

    async def check(self) -> None:
        """Raises `IndexUnavailable` when the published index cannot be used."""
        _refuse_mismatch(await self._store.manifest(), self._settings)
        await self._store.vectors([])  # on disk, a manifest can outlive its files: this opens them

    async def aclose(self) -> None:
        """Let go of connections and files."""
        await self._store.aclose()


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

    async def index(self) -> CheckedIndex:
        """The vector store, to search in.

        Raises:
            Misconfigured: a variable is missing.
            SecretUnavailable: Secret Manager did not give the key.
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
        await (await self.index()).check()

    async def check_gemini(self) -> None:
        """Raises a `ServiceError` when Gemini refuses the key or does not know a model."""
        await (await self.gemini()).check_models()

    async def aclose(self) -> None:
        """Let go of every client; the next use builds new ones."""
        clients = [client for client in (self._gemini.pop(), self._index.pop()) if client]
        await asyncio.gather(*(client.aclose() for client in clients))

    async def _key(self, name: str) -> SecretStr | None:
        key: SecretStr | None = getattr(self.settings, name)
        secret: str | None = getattr(self.settings, f"{name}_secret")
        if secret is not None:
            if secret not in self._cached_secrets:
                self._cached_secrets[secret] = self._cached_secret(secret)
            key = await self._cached_secrets[secret].get()
        return _sendable(key, name.upper()) if key else None

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

    async def _build_index(self, key: SecretStr | None) -> CheckedIndex:
        return CheckedIndex(self.open_index(key), self.settings)


def _sendable(key: SecretStr, variable: str) -> SecretStr:
    """The key, if it can stand in a header; the clients' own errors would quote it."""
    text = key.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Misconfigured(f"{variable} is empty or has characters that no key has")
    return key


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
