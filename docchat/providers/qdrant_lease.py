"""Which run may write an index on a Qdrant server: a lease, and a fence that holds without it.

The lease is one point in the collection COLLECTION.lease. It says whose the index is and is
written anew all the time, by conditional upserts, so that of two runs one gets it. Whoever waits
and sees no change for the length of the lease takes it over; no clock is compared with another.

A run that slept that long may wake up and go on. Therefore each has a fence, an alias of its own,
made before it asks for the lease: publishing begins by renaming it, in the request that moves the
public alias, and the server stops there if it is gone. Who takes the lease over removes the fence
of the run before, so that one can never publish any more.
"""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from qdrant_client import AsyncQdrantClient, models

from docchat.errors import IndexLocked, ServiceError
from docchat.providers.qdrant_calls import calling
from docchat.providers.qdrant_names import Names, aliased, unaliased

_POINT = "00000000-0000-0000-0000-000000000001"
_BEATS = 5  # in the length of a lease
_STRONG = models.WriteOrdering.STRONG
_EVERYWHERE = models.ReadConsistencyType.ALL

_log = logging.getLogger(__name__)

Aliases = Sequence[models.AliasOperations]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the lease says; the owner is empty when it is free."""

    owner: str = ""
    who: str = ""
    beat: int = 0


class Lease:
    """One run's claim to an index.

    Args:
        client: of the server.
        names: what the index is called there.
        seconds: how long a run may give no sign of life before another takes over.
    """

    def __init__(self, client: AsyncQdrantClient, names: Names, seconds: float) -> None:
        self._client = client
        self._names = names
        self._alias = names.published
        self._collection = f"{self._alias}.lease"
        self._seconds = seconds
        self._owner = ""
        self._beat = 0
        self._beating: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """Whether this run has got it and not given it up; `check` asks the server."""
        return self._beating is not None

    async def acquire(self) -> None:
        """Get the lease, from nobody or from a run that gives no sign of life.

        Raises:
            IndexLocked: another run has it, and lives.
        """
        if self.held:
            return
        await self._make_collection()
        self._owner, self._beat = secrets.token_hex(8), 0
        await self._change([aliased(self._collection, self._fence)])
        try:
            await self._win()
        except BaseException:
            await self._change([unaliased(self._fence)])
            raise
        self._beating = asyncio.create_task(self._keep_beating())

    async def release(self) -> None:
        """Give it up. A server that fails meanwhile is left alone: the lease runs out."""
        if self._beating is None:
            return
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating
        self._beating = None
        try:
            await self._change([unaliased(self._fence)])
            await self._put(_Seen(), only_if=_is(self._owner))
        except ServiceError as exc:
            _log.warning("the lease of %s is left to run out: %s", self._alias, exc)

    async def change_aliases(self, changes: Aliases) -> None:
        """Change aliases in one step, unless another run has taken over.

        Raises:
            IndexLocked: it has; nothing was changed.
        """
        spent = f"{self._fence}.spent"
        rename = models.RenameAlias(old_alias_name=self._fence, new_alias_name=spent)
        fence: Aliases = [models.RenameAliasOperation(rename_alias=rename)]
        try:
            await self._change([*fence, *changes, unaliased(spent)])
        except ServiceError:
            if self._fence not in await self._names.aliases():
                raise self._lost() from None
            raise

    async def check(self) -> None:
        """Raises `IndexLocked` when another run has taken over."""
        if (await self._read()).owner != self._owner:
            raise self._lost()

    @property
    def _fence(self) -> str:
        return self._fence_of(self._owner)

    def _fence_of(self, owner: str) -> str:
        return f"{self._alias}.run.{owner}"

    def _lost(self) -> IndexLocked:
        return IndexLocked(
            f"another run has taken over {self._alias}, because this one gave no sign of life for"
            f" {self._seconds:g} s; what it has embedded is kept for the next run"
        )

    async def _make_collection(self) -> None:
        async with calling(self._alias):
            if await self._client.collection_exists(self._collection):
                return
        try:
            async with calling(self._alias):
                tiny = models.VectorParams(size=1, distance=models.Distance.DOT)
                await self._client.create_collection(self._collection, vectors_config=tiny)
        except ServiceError:
            async with calling(self._alias):  # another run may have been faster
                if not await self._client.collection_exists(self._collection):
                    raise

    async def _win(self) -> None:
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + self._seconds
        last = await self._take_free()
        while last.owner != self._owner:
            await asyncio.sleep(self._seconds / _BEATS / 2)
            seen = await self._take_free()
            if seen == last and loop.time() > gives_up_at:
                seen = await self._take_over(last)
                if seen.owner == self._owner:  # else it lives, and needs its fence
                    await self._change([unaliased(self._fence_of(last.owner))])
            if seen not in (last, self._mine()):
                raise IndexLocked(f"another run holds {self._alias}: {seen.who}")
            last = seen

    async def _take_free(self) -> _Seen:
        await self._put(self._mine(), only_if=_is(""))
        return await self._read()

    async def _take_over(self, dead: _Seen) -> _Seen:
        await self._put(self._mine(), only_if=_is(dead.owner, dead.beat))
        return await self._read()

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / _BEATS)
            try:
                self._beat += 1
                await self._put(self._mine(), only_if=_is(self._owner))
                if (seen := await self._read()).owner != self._owner:
                    _log.warning("another run has taken over %s: %s", self._alias, seen.who)
                    return
            except ServiceError as exc:
                _log.warning("the lease of %s could not be renewed: %s", self._alias, exc)

    def _mine(self) -> _Seen:
        return _Seen(self._owner, f"process {os.getpid()} on {socket.gethostname()}", self._beat)

    async def _put(self, lease: _Seen, *, only_if: models.Filter) -> None:
        """A point that is not there yet is made; one that is there, only changed if it fits."""
        payload = {"owner": lease.owner, "who": lease.who, "beat": lease.beat}
        point = models.PointStruct(id=_POINT, vector=[1.0], payload=payload)
        async with calling(self._alias):
            await self._client.upsert(
                self._collection, [point], ordering=_STRONG, update_filter=only_if
            )

    async def _read(self) -> _Seen:
        async with calling(self._alias):
            found = await self._client.retrieve(self._collection, [_POINT], consistency=_EVERYWHERE)
        payload = (found[0].payload if found else None) or {}
        return _Seen(
            str(payload.get("owner", "")), str(payload.get("who", "")), int(payload.get("beat", 0))
        )

    async def _change(self, changes: Aliases) -> None:
        async with calling(self._alias):
            await self._client.update_collection_aliases(list(changes))


def _is(owner: str, beat: int | None = None) -> models.Filter:
    fields: dict[str, str | int] = {"owner": owner}
    if beat is not None:
        fields["beat"] = beat
    conditions: list[models.Condition] = [
        models.FieldCondition(key=name, match=models.MatchValue(value=value))
        for name, value in fields.items()
    ]
    return models.Filter(must=conditions)
