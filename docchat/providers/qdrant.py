"""The index on a Qdrant server, over REST.

The configured collection name is an alias. Each version is a collection of its own, named
COLLECTION_TIME_NONCE, that carries its manifest as metadata; to move the alias is to publish. The
alias COLLECTION.previous names the version that was published before.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import SecretStr
from qdrant_client import models

from docchat.core.models import (
    EVERYWHERE,
    Manifest,
    Point,
    Retrieved,
    Scope,
    SparseVector,
    Vector,
)
from docchat.core.payload import (
    DENSE,
    FILTERED,
    HELD_FIELDS,
    SPARSE,
    Held,
    Stored,
    Version,
    held_of,
    manifest_of,
    manifest_payload,
)
from docchat.errors import (
    IndexLocked,
    IndexRefused,
    IndexUnavailable,
    ServiceError,
)
from docchat.providers.qdrant_calls import calling, connect
from docchat.providers.qdrant_growth import Growth
from docchat.providers.qdrant_lease import Lease
from docchat.providers.qdrant_names import Names, aliased
from docchat.providers.qdrant_points import point_struct, stored
from docchat.providers.qdrant_search import QdrantSearch

_BATCH = 100  # 3,072 numbers as JSON are 60 kB; the server takes 32 MB a request
_SCROLL = 1000

_IDF = models.Modifier.IDF
_KEYWORD = models.PayloadSchemaType.KEYWORD

T = TypeVar("T")


class QdrantIndex:
    """A `PassageIndex` and an `IndexStore` over a Qdrant server.

    Nothing is sent before the first call.

    Args:
        url: the server's; port 6333 unless it names one.
        api_key: sent with every request, over https or to this machine only.
        collection: the alias under which the published version is read.
        timeout_s: for a whole search or read. Writes have a minute.
        growth: how new versions are kept.
        lease_s: how long a run may give no sign of life before another takes over.

    Raises:
        Misconfigured: the URL is not one, or the key would go over plain http.
    """

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None,
        collection: str,
        *,
        timeout_s: float = 5.0,
        growth: Growth = Growth(),  # noqa: B008 - frozen
        lease_s: float = 15.0,
    ) -> None:
        self._client = connect(url, api_key)
        self._published = QdrantSearch(url, api_key, collection, timeout_s=timeout_s)
        self._alias = collection
        self._timeout_s = timeout_s
        self._growth = growth
        self._names = Names(self._client, collection, timeout_s)
        self._lease = Lease(self._client, self._names, lease_s)
        self._leftovers: list[str] = []

    # --- for the chat ---------------------------------------------------------

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`."""
        return await self._published.search(dense, sparse, limit, scope)

    async def manifest(self) -> Manifest | None:
        """As `IndexStore.manifest`."""
        return await self._published.manifest()

    async def aclose(self) -> None:
        """Give up the lease, if this run has it, and close the connections."""
        await self._lease.release()
        await self._published.aclose()
        await self._client.close()

    # --- for the indexer ------------------------------------------------------

    @property
    def layout(self) -> str:
        """As `IndexStore.layout`."""
        return self._growth.layout

    async def acquire(self, *, to_write: bool = True) -> None:
        """As `IndexStore.acquire`. Takes up to `lease_s` if a run has died."""
        if to_write:  # a lease is written itself: a key that may only read is enough for the rest
            await self._lease.acquire()

    async def check(self) -> None:
        """As `IndexStore.check`."""
        await self._lease.check()

    async def release(self) -> None:
        """As `IndexStore.release`."""
        await self._lease.release()

    async def versions(self) -> list[Version]:
        """As `IndexStore.versions`."""
        published = (await self._names.aliases()).get(self._alias)
        names = sorted(await self._names.versions(), reverse=True)
        names.sort(key=lambda name: name != published)
        made = [(name, await self._manifest_of(name)) for name in names]
        return [Version(name, m, name == published) for name, m in made if m is not None]

    async def held(self, version: str, after: str = "") -> tuple[Sequence[Held], str]:
        """As `IndexStore.held`."""
        async with calling(self._alias):
            records, following = await self._client.scroll(
                version, limit=_SCROLL, offset=after or None, with_payload=list(HELD_FIELDS)
            )
        held = [held_of(record.id, record.payload) for record in records]
        return held, "" if following is None else str(following)

    async def stored(self, version: str, ids: Sequence[str]) -> dict[str, Stored]:
        """As `IndexStore.stored`."""
        found: dict[str, Stored] = {}
        for batch in _batches(ids):
            async with calling(self._alias):
                records = await self._client.retrieve(version, batch, with_vectors=[DENSE])
            found |= stored(records)
        return found

    async def note_commit(self, version: str, commit: str) -> None:
        """As `IndexStore.note_commit`. The server merges what it is sent with what it has."""
        async with calling(self._alias):
            await self._client.update_collection(version, metadata={"commit": commit})

    async def begin(self, manifest: Manifest) -> str:
        """As `IndexStore.begin`.

        Raises:
            Misconfigured: a collection, not an alias, has the configured name.
        """
        await self._names.refuse_taken()
        await self._lease.acquire()
        self._leftovers = await self._names.unpublished()
        await self._lease.check()  # so no other run can have begun any of them
        version = self._names.new_version()
        async with calling(self._alias):
            await self._client.create_collection(
                version,
                vectors_config={DENSE: self._growth.dense(manifest.dimension)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=_IDF)},
                metadata=manifest_payload(manifest),
                **self._growth.collection(),
            )
            for field in FILTERED:  # a server in strict mode filters by nothing else
                await self._client.create_payload_index(version, field, _KEYWORD)
        return version

    async def add(self, version: str, points: Sequence[Point]) -> None:
        """As `IndexStore.add`."""
        for batch in _batches(points):
            async with calling(self._alias):
                structs = [point_struct(point, version) for point in batch]
                await self._client.upsert(version, structs, wait=True)

    async def count(self, version: str) -> int:
        """As `IndexStore.count`."""
        async with calling(self._alias):
            return (await self._client.count(version, exact=True)).count

    async def publish(self, version: str) -> None:
        """As `IndexStore.publish`.

        Raises:
            Misconfigured: a collection, not an alias, has the configured name.
        """
        await self._names.refuse_taken()
        if not self._lease.held:
            raise IndexUnavailable(
                f"version {version} is not being written here", reason="collection-missing"
            )
        aliases = await self._names.aliases()
        if aliases.get(self._alias) != version:  # else an earlier call of this did it
            await self._swap(version, aliases.get(self._alias))
            before = aliases.get(self._names.previous)
            self._leftovers += [before] if before else []
        await self.drop_unfinished()
        await self._lease.release()

    async def discard(self, version: str) -> None:
        """As `IndexStore.discard`. A version that is published after all stays."""
        if (await self._names.aliases()).get(self._alias) == version:
            raise IndexUnavailable(f"{version} is published and stays", reason="published")
        async with calling(self._alias):
            await self._client.delete_collection(version)
        await self._lease.release()

    async def drop_unfinished(self) -> None:
        """As `IndexStore.drop_unfinished`."""
        await self._names.drop(self._leftovers)
        self._leftovers = []

    async def roll_back(self, check: Callable[[Manifest], None]) -> Manifest:
        """As `IndexStore.roll_back`."""
        await self._lease.acquire()
        try:
            aliases = await self._names.aliases()
            previous, published = aliases.get(self._names.previous), aliases.get(self._alias)
            manifest = await self._manifest_of(previous) if previous else None
            if previous is None or manifest is None:
                raise IndexRefused(f"there is no version of {self._alias} before the published one")
            check(manifest)
            await self._swap(previous, published)
        finally:
            await self._lease.release()
        return manifest

    async def _swap(self, version: str, published: str | None) -> None:
        """Publish a version and call the one that was published the previous one."""
        changes = [aliased(version, self._alias)]
        if published is not None:
            changes.append(aliased(published, self._names.previous))
        try:
            await self._lease.change_aliases(changes)
        except (ServiceError, IndexLocked):
            # The reply may have been lost, and not the request.
            if (await self._names.aliases()).get(self._alias) != version:
                raise

    async def _manifest_of(self, collection: str) -> Manifest | None:
        async with calling(self._alias, self._timeout_s):
            info = await self._client.get_collection(collection)
        return manifest_of(info.config.metadata)


def _batches(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
