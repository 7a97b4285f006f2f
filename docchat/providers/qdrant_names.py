"""What the parts of an index are called on a Qdrant server, and what there is of them."""

import logging
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from qdrant_client import AsyncQdrantClient, models

from docchat.core.payload import VERSION, version_name
from docchat.errors import Misconfigured, ServiceError
from docchat.providers.qdrant_calls import calling

_log = logging.getLogger(__name__)


def aliased(collection: str, alias: str) -> models.AliasOperations:
    """To give the alias to the collection.

    Over an alias that exists, this moves it; to delete it first would leave a gap on failure.
    """
    create = models.CreateAlias(collection_name=collection, alias_name=alias)
    return models.CreateAliasOperation(create_alias=create)


def unaliased(alias: str) -> models.AliasOperations:
    """To delete the alias."""
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


class Names:
    """The collections and aliases of one index.

    Args:
        client: of the server.
        alias: names the published version.
        timeout_s: for a look at them.

    Attributes:
        published: the alias of the published version.
        previous: the alias of the version that was published before.
    """

    def __init__(self, client: AsyncQdrantClient, alias: str, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self.published = alias
        self.previous = f"{alias}.previous"
        self._version = re.compile(re.escape(alias) + "_" + VERSION.pattern)

    def new_version(self) -> str:
        """A name that no other version has; a later one's sorts after it."""
        return f"{self.published}_{version_name(datetime.now(UTC), secrets.token_hex(4))}"

    async def aliases(self) -> dict[str, str]:
        """The collection that each alias of the server names."""
        async with calling(self.published, self._timeout_s):
            aliases = (await self._client.get_aliases()).aliases
        return {alias.alias_name: alias.collection_name for alias in aliases}

    async def versions(self) -> list[str]:
        """This index's collections, whole or not."""
        return [name for name in await self._collections() if self._version.fullmatch(name)]

    async def unpublished(self) -> list[str]:
        """Those that neither alias names."""
        aliases = await self.aliases()
        kept = {aliases.get(self.published), aliases.get(self.previous)}
        return [name for name in await self.versions() if name not in kept]

    async def refuse_taken(self) -> None:
        """Raises `Misconfigured` when a collection has the name that is to be an alias."""
        if self.published in await self._collections():
            raise Misconfigured(
                f"QDRANT_COLLECTION_NAME={self.published!r} is to be an alias, but the server has a"
                " collection of that name: set another name, or delete the collection"
            )

    async def drop(self, versions: Iterable[str]) -> None:
        """Delete them if the server lets us: they are in nobody's way, and no run fails of it."""
        try:
            for name in versions:
                async with calling(self.published):
                    await self._client.delete_collection(name)
        except ServiceError as exc:
            _log.warning("old versions of %s are left for the next run: %s", self.published, exc)

    async def _collections(self) -> list[str]:
        async with calling(self.published, self._timeout_s):
            return [c.name for c in (await self._client.get_collections()).collections]
