"""The index as files on this machine, searched by Qdrant's engine inside the process.

ROOT/COLLECTION/VERSION/       one shard a version, never written again once it is published
ROOT/COLLECTION/manifest.json  which version is published; to replace it is to publish
ROOT/COLLECTION/lock           held by the run that writes

Any number of processes may read. The engine opens files for writing even to read them, so each
needs write permission. It holds the interpreter's lock while it loads a shard (8 to 150 ms) and
during each of a search's calls (0.1 to 3 ms): a thread would not free the event loop, so there
is none.

A shard opened before a fork hangs in the child: nothing is opened before the first call.
"""

import logging
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import qdrant_edge as edge

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
    HELD_FIELDS,
    Held,
    Published,
    Stored,
    Version,
    held_of,
    version_name,
)
from docchat.errors import IndexLocked, IndexRefused, IndexUnavailable, ServiceError
from docchat.providers.qdrant_edge_engine import HALF, layout, searches, stored, translated, upsert
from docchat.providers.qdrant_edge_folder import IndexFolder, Stamp
from docchat.providers.qdrant_edge_reading import Reading

_SCROLL = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reader:
    stamp: Stamp | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Writer:
    version: str
    manifest: Manifest
    shard: edge.EdgeShard


class EdgeIndex:
    """A `PassageIndex` and an `IndexStore` over a folder.

    Args:
        root: the folder of all indexes; made when the first one is written.
        collection: this index's folder in it.
        half: write vectors of 16-bit numbers; their order hardly changes.
    """

    def __init__(self, root: Path, collection: str, *, half: bool = False) -> None:
        self._folder = IndexFolder(root / collection)
        self._layout = HALF if half else ""
        self._reader: _Reader | None = None
        self._writer: _Writer | None = None
        self._leftovers: dict[str, edge.EdgeShard] = {}

    # --- for the chat ---------------------------------------------------------

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`."""
        request = searches(dense, sparse, limit, scope)
        with translated(self._folder.path):
            reading = self._published()
        found = await reading.search(request)
        if found is None:
            raise IndexUnavailable("the index is closed")
        return found

    async def manifest(self) -> Manifest | None:
        """As `IndexStore.manifest`. The file can outlive its shard, so that is opened, too."""
        with translated(self._folder.path):
            published = self._folder.published()
            if published is None:
                return None
            self._published()
        return published.manifest

    async def aclose(self) -> None:
        """Close what is open and give up the lock; an unpublished version is left behind."""
        if self._reader is not None:
            self._reader.reading.close()
            self._reader = None
        await self.release()

    # --- for the indexer ------------------------------------------------------

    @property
    def layout(self) -> str:
        """As `IndexStore.layout`."""
        return self._layout

    async def acquire(self, *, to_write: bool = True) -> None:
        """As `IndexStore.acquire`; the engine opens no folder twice, to read it either."""
        del to_write
        if not self._folder.locked:
            with translated(self._folder.path):
                self._folder.lock()

    async def check(self) -> None:
        """As `IndexStore.check`: nobody takes over a lock on a file."""

    async def release(self) -> None:
        """As `IndexStore.release`."""
        if self._writer is not None:
            self._writer.shard.close()
            self._writer = None
        for shard in self._leftovers.values():
            shard.close()
        self._leftovers.clear()
        self._folder.unlock()

    async def versions(self) -> list[Version]:
        """As `IndexStore.versions`; what a run left behind so that it cannot be read is none."""
        with translated(self._folder.path):
            published = self._folder.published()
        current = published.version if published else None
        made = {name: self._folder.made(name) for name in self._folder.versions()}
        others = [
            Version(name, manifest)
            for name, manifest in made.items()
            if manifest and name != current and self._readable(name)
        ]
        if published is None:
            return others
        return [Version(published.version, published.manifest, published=True), *others]

    async def held(self, version: str, after: str = "") -> tuple[Sequence[Held], str]:
        """As `IndexStore.held`."""
        fields = edge.PayloadSelector.Include(list(HELD_FIELDS))
        with translated(self._folder.path):
            request = edge.ScrollRequest(after or None, _SCROLL, None, fields)
            records, following = self._shard(version).scroll(request)
        held = [held_of(record.id, record.payload) for record in records]
        return held, "" if following is None else str(following)

    async def stored(self, version: str, ids: Sequence[str]) -> dict[str, Stored]:
        """As `IndexStore.stored`."""
        with translated(self._folder.path):
            return stored(self._shard(version).retrieve(list(ids), True, [DENSE]))  # noqa: FBT003 - its signature

    async def note_commit(self, version: str, commit: str) -> None:
        """As `IndexStore.note_commit`."""
        with translated(self._folder.path):
            self._folder.note_commit(version, commit)

    async def begin(self, manifest: Manifest) -> str:
        """As `IndexStore.begin`."""
        if self._writer is not None:
            raise IndexLocked(f"this process already writes {self._folder.path}")
        await self.acquire()
        version = version_name(datetime.now(UTC), secrets.token_hex(4))
        with translated(self._folder.path):
            try:
                path = self._folder.path / version
                shard = edge.EdgeShard.create(str(path), layout(manifest))
                self._folder.note(version, manifest)
            except BaseException:
                self._folder.unlock()
                raise
        self._writer = _Writer(version, manifest, shard)
        return version

    async def add(self, version: str, points: Sequence[Point]) -> None:
        """As `IndexStore.add`: on disk when it returns."""
        with translated(self._folder.path):
            shard = self._writing(version).shard
            shard.update(upsert(points, version))
            shard.flush()

    async def count(self, version: str) -> int:
        """As `IndexStore.count`."""
        with translated(self._folder.path):
            return self._shard(version).count(edge.CountRequest())

    async def publish(self, version: str) -> None:
        """As `IndexStore.publish`. Nothing in it awaits, so it cannot be cancelled half-way."""
        made = self._writing(version).manifest
        self.seal(version)
        with translated(self._folder.path):
            old = self._folder.published()
            previous = old.version if old else None
            self._folder.publish(Published(version, previous, made))
        await self.release()  # closes shards before their files go
        self._folder.drop_all_but(version, previous)

    def seal(self, version: str) -> Path:
        """Finish a version without publishing it; the folder in which it is, whole and closed."""
        writer = self._writing(version)
        with translated(self._folder.path):
            writer.shard.optimize()
            writer.shard.flush()
            writer.shard.close()
        self._writer = None
        return self._folder.path / version

    async def discard(self, version: str) -> None:
        """As `IndexStore.discard`."""
        self._writing(version)
        await self.release()
        with translated(self._folder.path):
            shutil.rmtree(self._folder.path / version)

    async def drop_unfinished(self) -> None:
        """As `IndexStore.drop_unfinished`."""
        with translated(self._folder.path):
            published = self._folder.published()
        self.keep(*((published.version, published.previous) if published else ()))

    def keep(self, *versions: str | None) -> None:
        """Drop all versions but these and the one that is being written."""
        for shard in self._leftovers.values():
            shard.close()
        self._leftovers.clear()
        self._folder.drop_all_but(*versions, self._writer.version if self._writer else None)

    def drop(self, version: str) -> None:
        """Drop one version that nobody writes, whole or not."""
        if shard := self._leftovers.pop(version, None):
            shard.close()
        shutil.rmtree(self._folder.path / version, ignore_errors=True)

    async def roll_back(self, check: Callable[[Manifest], None]) -> Manifest:
        """As `IndexStore.roll_back`."""
        await self.acquire()
        try:
            with translated(self._folder.path):
                now = self._folder.published()
                previous = now.previous if now else None
                made = self._folder.made(previous) if previous else None
                if now is None or previous is None or made is None:
                    path = self._folder.path
                    raise IndexRefused(f"there is no version in {path} before the published one")
                check(made)
                edge.EdgeShard.load(str(self._folder.path / previous)).close()
                self._folder.publish(Published(previous, now.version, made))
        finally:
            await self.release()
        return made

    def _published(self) -> Reading:
        """The published version, loaded again only after another was published."""
        stamp = self._folder.stamp()
        if self._reader is None or self._reader.stamp != stamp:
            published = self._folder.published()
            if published is None:
                raise IndexUnavailable(
                    f"nothing is published in {self._folder.path}", reason="collection-missing"
                )
            shard = edge.EdgeShard.load(str(self._folder.path / published.version))
            self._reader = _Reader(stamp, Reading(shard, self._folder.path, self._folder.path))
        return self._reader.reading

    def _shard(self, version: str) -> edge.EdgeShard:
        """Any version's shard; another process may be the one that writes it."""
        if self._writer is not None and self._writer.version == version:
            return self._writer.shard
        published = self._folder.published()
        if published is not None and published.version == version:
            return self._published().shard
        if version not in self._leftovers:
            path = self._folder.path / version
            self._leftovers[version] = edge.EdgeShard.load(str(path))
        return self._leftovers[version]

    def _readable(self, version: str) -> bool:
        try:
            with translated(self._folder.path):
                self._shard(version)
        except ServiceError as exc:
            _log.warning("version %s cannot be read and is not used: %s", version, exc.__cause__)
            return False
        return True

    def _writing(self, version: str) -> _Writer:
        if self._writer is None or self._writer.version != version:
            raise IndexUnavailable(
                f"version {version} of {self._folder.path} is not being written here",
                reason="collection-missing",
            )
        return self._writer
