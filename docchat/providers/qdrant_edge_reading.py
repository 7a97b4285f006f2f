"""One version of an index, opened by the engine to be searched."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import qdrant_edge as edge
from cachetools import LRUCache

from docchat.core.models import Retrieved
from docchat.core.payload import Read, read, retrieved
from docchat.providers.qdrant_edge_engine import Searches, translated

MOST_READ = 1000
"""Chunks that stay read, some 2 KB each."""

_NOTHING = Read(None, "")

_log = logging.getLogger(__name__)


class Reading:
    """A shard and what was read of it.

    To read the payloads of fifty points takes the engine and us six times as long as to find them.
    A version never changes, and visitors ask about the same pages.

    Args:
        shard: closed with this.
        folder: where it is, for whoever has to mend it.
        place: where the index comes from, for the log.
        most_read: how many chunks stay read.
    """

    def __init__(
        self, shard: edge.EdgeShard, folder: Path, place: object, *, most_read: int = MOST_READ
    ) -> None:
        self.shard = shard
        self._folder = folder
        self._place = place
        self._read: LRUCache[edge.PointId, Read] = LRUCache(most_read)
        self._closed = False

    async def search(self, request: Searches) -> Retrieved | None:
        """What the two searches find; None when it was closed meanwhile.

        Others run between the calls of the engine, each of which takes up to some milliseconds.

        Raises:
            ServiceError: as `translated`.
        """
        hits = self._query(request.hybrid)
        if not await self._still_open():
            return None
        nearest = self._query(request.nearest)
        ids = [hit.id for hit in hits]  # each look at one makes a new object
        known = {point_id: self._read.get(point_id) for point_id in ids}
        if unread := [point_id for point_id, found in known.items() if found is None]:
            if not await self._still_open():
                return None
            known |= self._retrieve(unread)
        chunks = (known[point_id] or _NOTHING for point_id in ids)
        scored = [(chunk, hit.score) for chunk, hit in zip(chunks, hits, strict=True)]
        found = retrieved(scored, nearest[0].score if nearest else 0.0)
        if dropped := len(hits) - len(found.passages):
            _log.warning("left out %d points of %s: bad payload", dropped, self._place)
        return found

    def close(self) -> None:
        """Close the shard; a search on its way ends in None."""
        self._closed = True
        self.shard.close()

    async def _still_open(self) -> bool:
        await asyncio.sleep(0)
        return not self._closed

    def _query(self, request: edge.QueryRequest) -> Sequence[edge.ScoredPoint]:
        with translated(self._folder):
            return self.shard.query(request)

    def _retrieve(self, ids: "list[edge.PointId]") -> "dict[edge.PointId, Read]":
        with translated(self._folder):
            records = self.shard.retrieve(ids, True, False)  # noqa: FBT003 - its signature
        found = {record.id: record.payload for record in records}
        fresh = {point_id: read(point_id, payload) for point_id, payload in found.items()}
        self._read.update(fresh)
        return fresh
