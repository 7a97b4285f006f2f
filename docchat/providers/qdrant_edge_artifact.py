"""The index as an artifact that lies elsewhere, served from an unpacked copy.

The copy is fetched on first use, and again when the manifest has changed: looked at in a thread,
now and then, and only while there are searches, since a function has no processor time between
them. What is not what the manifest says, or does not fit the settings, is never opened.

The change to a newer copy closes the old one in a step of the event loop. A search takes two or
three; when a change has come between them, it begins anew.
"""

import asyncio
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as edge

from docchat.core.artifact import Artifact, Source
from docchat.core.models import EVERYWHERE, Manifest, Retrieved, Scope, SparseVector, Vector
from docchat.errors import IndexUnavailable, ServiceError
from docchat.providers.qdrant_edge_engine import searches, translated
from docchat.providers.qdrant_edge_fetch import fetch, release_in
from docchat.providers.qdrant_edge_reading import Reading
from docchat.providers.qdrant_edge_room import Room

_FIRST_RETRY_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Copy:
    """An artifact, unpacked; `stamp` is that of the manifest that named it."""

    artifact: Artifact
    stamp: str
    folder: Path


@dataclass(frozen=True, slots=True)
class _Open:
    copy: _Copy
    reading: Reading


class ArtifactIndex:
    """A `PassageIndex` over published artifacts.

    While a newer artifact cannot be had, the last good one is searched, and `check` says why.

    Args:
        source: where they lie.
        accept: raises a `ServiceError` if an index that was made like this must not be used.
        refresh_s: so often the manifest is looked at, at most.
        clock: seconds, never set back.
    """

    def __init__(
        self,
        source: Source,
        accept: Callable[[Manifest], None],
        *,
        refresh_s: float = 45.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._accept = accept
        self._refresh_s = refresh_s
        self._clock = clock
        self._due = -math.inf
        self._retry_s = _FIRST_RETRY_S
        self._open: _Open | None = None
        self._failure: ServiceError | None = None
        self._room: Room | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._stop = threading.Event()

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`; only the first one waits for the artifact."""
        self.begin()
        if self._open is None:
            await self._settled()
        request = searches(dense, sparse, limit, scope)
        while opened := self._open:
            found = await opened.reading.search(request)
            if found is not None:
                return found
        raise _again(self._failure or IndexUnavailable("the index is closed"))

    async def check(self) -> None:
        """Raises why the artifact that is published cannot be used, even if an older one is."""
        self.begin()
        await self._settled()
        if self._failure is not None:
            raise _again(self._failure)

    def begin(self) -> None:
        """Begin to look for a newer artifact if it is time; nobody has to wait for it."""
        if self._refreshing is None and self._clock() >= self._due:
            known = self._open.copy if self._open else None
            # In the thread from now on: the loop may be busy importing SDKs.
            looking = asyncio.get_running_loop().run_in_executor(None, self._look, known)
            self._refreshing = asyncio.create_task(self._refresh(looking))

    async def aclose(self) -> None:
        """Stop fetching, and remove the copy."""
        self._stop.set()
        await self._settled()
        opened, self._open = self._open, None
        if opened is not None:
            opened.reading.close()
        if self._room is not None:
            await asyncio.to_thread(self._room.close)
        self._source.close()

    async def _settled(self) -> None:
        if self._refreshing is not None:
            # Shielded: one caller who leaves must not take the others' index along.
            await asyncio.shield(self._refreshing)

    async def _refresh(self, looking: "asyncio.Future[_Copy | None]") -> None:
        try:
            if copy := await looking:
                await self._change_to(copy)
        except ServiceError as exc:
            self._keep_on(exc)
        except asyncio.CancelledError:
            self._stop.set()  # the process is going; it would wait for the thread
            raise
        else:
            self._failure, self._retry_s = None, _FIRST_RETRY_S
            self._due = self._clock() + self._refresh_s
        finally:
            self._refreshing = None

    def _keep_on(self, failure: ServiceError) -> None:
        """Log it once, not at each try: nothing fails as long as there is a good copy."""
        if self._open is not None and str(failure) != str(self._failure):
            version = self._open.copy.artifact.version
            _log.error("version %s of the index stays in use: %s", version, failure)
        self._failure = failure
        self._due = self._clock() + min(self._retry_s, self._refresh_s)
        self._retry_s *= 2

    async def _change_to(self, copy: _Copy) -> None:
        """Search in this copy from now on; the old one goes."""
        old = self._open
        if old is not None and old.copy.folder == copy.folder:
            self._open = _Open(copy, old.reading)
            return
        try:
            with translated(copy.folder):
                shard = edge.EdgeShard.load(str(copy.folder))
        except ServiceError as exc:
            await asyncio.to_thread(shutil.rmtree, copy.folder, ignore_errors=True)
            raise IndexUnavailable(
                f"the engine cannot open {copy.artifact.name} at {self._source.place}: publish"
                " again, or go back with --rollback",
                reason="damaged",
            ) from exc
        self._open = _Open(copy, Reading(shard, copy.folder, self._source.place))
        _log.info("version %s of the index is in use", copy.artifact.version)
        if old is not None:
            old.reading.close()
            await asyncio.to_thread(shutil.rmtree, old.copy.folder, ignore_errors=True)

    # --- in a thread ----------------------------------------------------------

    def _look(self, known: _Copy | None) -> _Copy | None:
        """What is published, unpacked; None if nothing has changed.

        Raises:
            ServiceError: it cannot be had, or must not be used.
        """
        found = self._source.manifest(known.stamp if known else "")
        while found is not None:
            artifact = release_in(self._source, found).current
            if known is not None and known.artifact.sha256 == artifact.sha256:
                return _Copy(known.artifact, found.stamp, known.folder)
            self._accept(artifact.manifest)
            try:
                return _Copy(artifact, found.stamp, self._fetched(artifact))
            except IndexUnavailable as exc:
                # It may have been dropped because there are newer ones by now.
                again = self._source.manifest(found.stamp) if _is_gone(exc) else None
                if again is None or again.content == found.content:
                    raise
                found = again
        return None

    def _fetched(self, artifact: Artifact) -> Path:
        room = self._room = self._room or Room()
        folder = room.folder()
        try:
            fetch(self._source, artifact, folder, self._stop)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder


def _again(failure: ServiceError) -> ServiceError:
    """The same failure for another caller, without the way that it took to the last one."""
    return failure.with_traceback(None)


def _is_gone(failure: IndexUnavailable) -> bool:
    return failure.reason == "archive-missing"
