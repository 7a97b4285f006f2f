"""One version of an index, opened by the engine to be searched."""

import asyncio
import logging

import qdrant_edge as edge
from cachetools import LRUCache

from docchat.core.models import Retrieved
from docchat.core.payload import Read, read, retrieved
from docchat.providers.qdrant_edge_engine import Searches

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
        place: where the index is, for the log.
    """

    def __init__(self, shard: edge.EdgeShard, place: object) -> None:
        self.shard = shard
        self._place = place
        self._read: LRUCache[object, Read] = LRUCache(MOST_READ)
        self._closed = False

    async def search(self, request: Searches) -> Retrieved | None:
        """What the two searches find; None when it was closed meanwhile.

        Others run between the steps, each of which takes up to some milliseconds.
        """
        hits = self.shard.query(request.hybrid)
        await asyncio.sleep(0)
        if self._closed:
            return None
        nearest = self.shard.query(request.nearest)
        ids = [hit.id for hit in hits]  # each look at one makes a new object
        known = {point_id: self._read.get(point_id) for point_id in ids}
        unread = [point_id for point_id, found in known.items() if found is None]
        if unread:
            records = self.shard.retrieve(unread, True, False)  # noqa: FBT003 - its signature
            await asyncio.sleep(0)
            for record in records:
                point_id = record.id
                known[point_id] = self._read[point_id] = read(point_id, record.payload)
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
