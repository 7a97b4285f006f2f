"""Conversations in a Qdrant server: JSON documents in a collection without vectors.

Every document belongs to an owner and is read, changed and deleted as that owner's alone. Nothing
is older than the retention: what is over it is not read any more, and deleted within the hour in
which somebody writes.
"""

import asyncio
import time
import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

from pydantic import SecretStr
from qdrant_client import models

from docchat.errors import ServiceError
from docchat.providers.qdrant_calls import calling, connect

_DAY_S = 86_400.0
_PURGE_EVERY_S = 3600.0

# Every field that is filtered by: a server in strict mode refuses others.
INDEXED = {
    "kind": models.PayloadSchemaType.KEYWORD,
    "owner": models.PayloadSchemaType.KEYWORD,
    "thread": models.PayloadSchemaType.KEYWORD,
    "at": models.PayloadSchemaType.FLOAT,
}


class QdrantThreads:
    """The collection, made when it is first needed.

    Args:
        url: the server's.
        api_key: must be allowed to write the collection.
        collection: its name.
        retention_days: how long a document is kept.
        timeout_s: for each call.
    """

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None,
        collection: str,
        *,
        retention_days: int,
        timeout_s: float = 5.0,
    ) -> None:
        self.client = connect(url, api_key)
        self.collection = collection
        self._retention_s = retention_days * _DAY_S
        self._timeout_s = timeout_s
        self._making = asyncio.Lock()
        self._made = False
        self._purged_at = 0.0

    def of(self, owner: str) -> "OwnersThreads":
        """What one owner has."""
        return OwnersThreads(self, owner)

    def kept_since(self) -> float:
        """The age of the oldest document that counts, as a time stamp."""
        return time.time() - self._retention_s

    def calling(self) -> AbstractAsyncContextManager[None]:
        """As `qdrant_calls.calling`."""
        return calling(self.collection, self._timeout_s)

    async def ready(self) -> None:
        """Make the collection unless it is there; raises a `ServiceError`."""
        async with self._making:
            if not self._made:
                await self._make()
                self._made = True

    async def purge(self) -> None:
        """Have the server delete what is over the retention, at most once an hour."""
        now = time.time()
        if now < self._purged_at + _PURGE_EVERY_S:
            return
        self._purged_at = now
        old = models.FieldCondition(key="at", range=models.Range(lt=self.kept_since()))
        async with self.calling():  # no visitor waits for it to be done
            await self.client.delete(self.collection, models.Filter(must=[old]), wait=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.close()

    async def _make(self) -> None:
        if not await self._exists():
            try:
                async with self.calling():
                    await self.client.create_collection(self.collection, vectors_config={})
            except ServiceError:
                if not await self._exists():  # else another instance was faster
                    raise
        async with self.calling():
            for field, kind in INDEXED.items():
                await self.client.create_payload_index(self.collection, field, kind)

    async def _exists(self) -> bool:
        async with self.calling():
            return await self.client.collection_exists(self.collection)


class OwnersThreads:
    """The threads of one owner, and their items.

    A list is read by its time in pages: at most `limit`, `order` `asc` or `desc`, from behind the
    entry that `after` names; None when there is no such entry. Every method raises a
    `ServiceError` when the server fails.
    """

    def __init__(self, store: QdrantThreads, owner: str) -> None:
        self._store = store
        self._owner = owner

    async def threads(
        self, limit: int, after: str | None, order: str
    ) -> list[dict[str, Any]] | None:
        """A page of the threads; none for a caller without a name, who may be anybody."""
        return await self._page(limit, after, order, kind="thread") if self._owner else []

    async def thread(self, thread_id: str) -> dict[str, Any] | None:
        """A thread, or None when this owner has none of that id."""
        return _body(await self._one(thread_id, kind="thread"))

    async def items(
        self, thread_id: str, limit: int, after: str | None, order: str
    ) -> list[dict[str, Any]] | None:
        """A page of a thread's items."""
        return await self._page(limit, after, order, kind="item", thread=thread_id)

    async def item(self, thread_id: str, item_id: str) -> dict[str, Any] | None:
        """An item, or None when the thread has none of that id."""
        return _body(await self._one(item_id, kind="item", thread=thread_id))

    async def save(
        self, thread_id: str, item_id: str | None, at: float, body: dict[str, Any]
    ) -> None:
        """Write a thread (`item_id` None) or an item; `at` is when it was made."""
        kind = "thread" if item_id is None else "item"
        payload = {"owner": self._owner, "thread": thread_id, "kind": kind, "at": at, "body": body}
        point = models.PointStruct(id=point_id(item_id or thread_id), vector={}, payload=payload)
        await self._store.ready()
        await self._store.purge()
        async with self._store.calling():
            await self._store.client.upsert(self._store.collection, [point])

    async def delete(self, thread_id: str, item_id: str | None = None) -> None:
        """Remove an item, or a thread (`item_id` None) with all its items."""
        one = [models.HasIdCondition(has_id=[point_id(item_id)])] if item_id else []
        mine = self._filter(*one, thread=thread_id)
        await self._store.ready()
        async with self._store.calling():
            await self._store.client.delete(self._store.collection, mine)

    async def _page(
        self, limit: int, after: str | None, order: str, **fields: str
    ) -> list[dict[str, Any]] | None:
        chosen, start = self._filter(**fields), None
        if after is not None:
            last = await self._one(after, **fields)
            if last is None:
                return None
            start = last["at"]
            chosen.must_not = [models.HasIdCondition(has_id=[point_id(after)])]
        by_time = models.OrderBy(key="at", direction=models.Direction(order), start_from=start)
        return [one["body"] for one in await self._read(chosen, limit, by_time)]

    async def _one(self, identifier: str, **fields: str) -> dict[str, Any] | None:
        chosen = self._filter(models.HasIdCondition(has_id=[point_id(identifier)]), **fields)
        return next(iter(await self._read(chosen, 1)), None)

    async def _read(
        self, chosen: models.Filter, limit: int, by_time: models.OrderBy | None = None
    ) -> list[dict[str, Any]]:
        await self._store.ready()
        async with self._store.calling():
            points, _ = await self._store.client.scroll(
                self._store.collection, chosen, limit=limit, order_by=by_time
            )
        return [point.payload or {} for point in points]

    def _filter(self, *more: models.Condition, **fields: str) -> models.Filter:
        equal = [
            models.FieldCondition(key=key, match=models.MatchValue(value=value))
            for key, value in {"owner": self._owner, **fields}.items()
        ]
        kept = models.Range(gte=self._store.kept_since())
        return models.Filter(must=[*equal, *more, models.FieldCondition(key="at", range=kept)])


def _body(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if payload is None else payload["body"]


def point_id(identifier: str) -> str:
    """A point's id, for whatever a page sends as an id."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, identifier))
