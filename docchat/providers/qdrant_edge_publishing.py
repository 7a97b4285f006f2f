"""Writing an index and publishing it as an artifact somewhere else.

Versions are written into a folder of this machine, where what a killed run had paid for stays for
the next one. The published artifact is fetched into that folder first, and its vectors are used
again; what is in the folder already is only looked through where it was published. Two runs that
publish at once, from wherever, are told apart by the manifest: it is replaced only if it still is
the one that the run began with.
"""

import asyncio
import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from docchat.core.artifact import Artifact, Destination, Release, release_json, release_of
from docchat.core.models import Manifest, Point
from docchat.core.payload import Held, Stored, Version
from docchat.errors import IndexLocked, IndexRefused, IndexUnavailable, ServiceError
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.providers.qdrant_edge_engine import translated
from docchat.providers.qdrant_edge_fetch import fetch, look_through
from docchat.providers.qdrant_edge_folder import IndexFolder
from docchat.providers.qdrant_edge_pack import pack

_PACKED = "packed.tar"
_FETCHED = "fetched"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Base:
    """What was published when the run began, and the stamp of the manifest that said so."""

    current: Artifact | None = None
    previous: Artifact | None = None
    stamp: str = ""


class ArtifactStore:
    """An `IndexStore` whose versions are published as artifacts.

    Args:
        folder: of this machine, for the versions; made when something is written.
        collection: the index's name.
        destination: where the artifacts go.
        half: as in `EdgeIndex`.
    """

    def __init__(
        self, folder: Path, collection: str, destination: Destination, *, half: bool = False
    ) -> None:
        self._folder = folder / collection
        self._local = EdgeIndex(folder, collection, half=half)
        self._destination = destination
        self._base: _Base | None = None
        self._sealed: Path | None = None

    @property
    def layout(self) -> str:
        """As `IndexStore.layout`."""
        return self._local.layout

    async def acquire(self, *, to_write: bool = True) -> None:
        """As `IndexStore.acquire`, for this machine; the published artifact is here then."""
        if self._base is not None:
            return
        await self._local.acquire(to_write=to_write)
        try:
            self._base = await self._with_current(await asyncio.to_thread(self._read))
        except BaseException:
            await self.release()
            raise

    async def check(self) -> None:
        """As `IndexStore.check`: runs on other machines replace the manifest."""
        base = await self._seen()
        if (await asyncio.to_thread(self._read)).stamp != base.stamp:
            raise IndexLocked(f"another run has published at {self._destination.place}")

    async def release(self) -> None:
        """As `IndexStore.release`."""
        self._base, self._sealed = None, None
        await self._local.release()

    async def aclose(self) -> None:
        """Close what is open and give up the lock; an unpublished version is left behind."""
        self._base, self._sealed = None, None
        await self._local.aclose()
        self._destination.close()

    async def manifest(self) -> Manifest | None:
        """As `IndexStore.manifest`."""
        current = (await self._seen()).current
        return current.manifest if current else None

    async def versions(self) -> list[Version]:
        """As `IndexStore.versions`."""
        current = (await self._seen()).current
        local = await self._local.versions()
        if current is None:
            return local
        others = [version for version in local if version.name != current.version]
        return [Version(current.version, current.manifest, published=True), *others]

    async def held(self, version: str, after: str = "") -> tuple[Sequence[Held], str]:
        """As `IndexStore.held`."""
        return await self._local.held(version, after)

    async def stored(self, version: str, ids: Sequence[str]) -> dict[str, Stored]:
        """As `IndexStore.stored`."""
        return await self._local.stored(version, ids)

    async def note_commit(self, version: str, commit: str) -> None:
        """As `IndexStore.note_commit`; the packed file stays as it is."""
        await self._local.note_commit(version, commit)
        base = await self._seen()
        if base.current is None or base.current.version != version:
            return
        noted = replace(base.current, manifest=replace(base.current.manifest, commit=commit))
        self._destination.replace(release_json(Release(noted, base.previous)), base.stamp)
        if self._base is not None:
            self._base = await asyncio.to_thread(self._read)

    async def begin(self, manifest: Manifest) -> str:
        """As `IndexStore.begin`."""
        await self.acquire()
        return await self._local.begin(manifest)

    async def add(self, version: str, points: Sequence[Point]) -> None:
        """As `IndexStore.add`."""
        await self._local.add(version, points)

    async def count(self, version: str) -> int:
        """As `IndexStore.count`."""
        return await self._local.count(version)

    async def publish(self, version: str) -> None:
        """As `IndexStore.publish`. Nothing in it awaits, so it cannot be cancelled half-way."""
        base = self._base or _Base()
        self._sealed = self._sealed or self._local.seal(version)
        self._publish(base, version, self._sealed)
        self._local.keep(version, base.current.version if base.current else None)
        await self.release()

    async def discard(self, version: str) -> None:
        """As `IndexStore.discard`."""
        await self._local.discard(version)
        self._base = None

    async def drop_unfinished(self) -> None:
        """As `IndexStore.drop_unfinished`."""
        base = await self._seen()
        self._local.keep(*(one.version for one in (base.current, base.previous) if one))

    async def roll_back(self, check: Callable[[Manifest], None]) -> Manifest:
        """As `IndexStore.roll_back`; the artifact is fetched first, to see that it is whole."""
        await self._local.acquire()
        try:
            base = await asyncio.to_thread(self._read)
            current, previous = base.current, base.previous
            if current is None or previous is None:
                raise IndexRefused(
                    f"there is no version at {self._destination.place} before the published one"
                )
            check(previous.manifest)
            await self._have(previous)
            self._destination.replace(release_json(Release(previous, current)), base.stamp)
        finally:
            await self.release()
        return previous.manifest

    async def _seen(self) -> _Base:
        if self._base is not None:
            return self._base
        return await asyncio.to_thread(self._read)

    def _read(self) -> _Base:
        try:
            found = self._destination.manifest()
        except IndexUnavailable as exc:
            if exc.reason == "collection-missing":
                return _Base()
            raise
        if found is None:
            return _Base()
        try:
            release = release_of(found.content)
        except ValueError as exc:
            raise IndexRefused(
                f"{self._destination.place} holds something else than artifacts of this docchat:"
                " publish into another place"
            ) from exc
        return _Base(release.current, release.previous, found.stamp)

    async def _is_whole(self, artifact: Artifact) -> bool:
        """Whether the artifact's version is in this machine's folder."""
        names = {version.name for version in await self._local.versions()}
        if artifact.version not in names:
            return False
        return await self._local.count(artifact.version) == artifact.manifest.chunks

    async def _with_current(self, base: _Base) -> _Base:
        """With what is published on this machine; without it if it is lost, to be replaced."""
        if base.current is None:
            return base
        try:
            await self._have(base.current)
        except IndexUnavailable as exc:
            if exc.reason not in {"damaged", "archive-missing"}:
                raise
            _log.warning("what is published cannot be used, and is replaced: %s", exc)
            return _Base(None, base.previous, base.stamp)
        return base

    async def _have(self, artifact: Artifact) -> None:
        """Have an artifact's version in this machine's folder, after all of it was read there."""
        if await self._is_whole(artifact):
            where = self._destination
            await asyncio.to_thread(look_through, where, artifact, self._folder)
        else:
            await asyncio.to_thread(self._fetch, artifact)

    def _fetch(self, artifact: Artifact) -> None:
        unpacked = self._folder / _FETCHED
        with translated(self._folder):
            self._local.drop(artifact.version)
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.mkdir(parents=True)
            fetch(self._destination, artifact, unpacked, threading.Event())
            unpacked.rename(self._folder / artifact.version)

    def _publish(self, base: _Base, version: str, sealed: Path) -> None:
        packed_file = self._folder / _PACKED
        made = IndexFolder(self._folder).made(version)
        assert made is not None  # noqa: S101 - `begin` wrote it, and `verify` has read it
        with translated(self._folder):
            packed = pack(sealed, packed_file)
        artifact = Artifact(version, packed.sha256, packed.size, packed.unpacked, made)
        release = Release(artifact, base.current or base.previous)
        # Before: what another run puts there after it has seen this manifest must stay.
        lying = self._destination.archives()
        self._destination.put(artifact.name, packed_file)
        self._destination.replace(release_json(release), base.stamp)
        packed_file.unlink()
        self._clear({name: lying[name] for name in lying.keys() - release.names})

    def _clear(self, names: dict[str, str]) -> None:
        """Drop old artifacts; what cannot be dropped now goes the next time."""
        try:
            for name, stamp in names.items():
                self._destination.drop(name, stamp)
        except ServiceError as exc:
            _log.warning("old artifacts stay at %s: %s", self._destination.place, exc)
