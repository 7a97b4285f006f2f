"""The folder of an index: which version is published, how each was made, who may write."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from docchat.core.artifact import release_of
from docchat.core.models import Manifest
from docchat.core.payload import VERSION, Published, published_json, published_of
from docchat.errors import IndexLocked, IndexUnavailable

Stamp = tuple[int, int, int]

_MANIFEST = "manifest.json"


class IndexFolder:
    """The files around the shards; nothing is opened or made before it is needed.

    Args:
        path: of this index.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest = path / _MANIFEST
        self._lock: BinaryIO | None = None

    @property
    def locked(self) -> bool:
        """Whether this process may write."""
        return self._lock is not None

    def lock(self) -> None:
        """Become the only writer. The system ends the claim with the process.

        Raises:
            IndexLocked: another process is.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        file = (self.path / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            file.close()
            raise IndexLocked(f"another run holds {file.name}") from exc
        self._lock = file

    def unlock(self) -> None:
        """Let others write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def stamp(self) -> Stamp | None:
        """Changes whenever another version is published; None while none is."""
        try:
            status = self._manifest.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def published(self) -> Published | None:
        """What is published.

        Raises:
            IndexUnavailable: an artifact was published here since the process began.
            ValueError: the file is damaged.
        """
        try:
            return _read(self._manifest)
        except ValueError:
            if _names_an_artifact(self._manifest):
                raise IndexUnavailable(
                    f"an artifact was published in {self.path} after this process had begun:"
                    " start it again",
                    reason="collection-missing",
                ) from None
            raise

    def publish(self, published: Published) -> None:
        """Replace what is published, in one step."""
        _write(self._manifest, published)

    def made(self, version: str) -> Manifest | None:
        """How a version was made, published or not; None if it does not say."""
        try:
            noted = _read(self.path / version / _MANIFEST)
        except ValueError:
            return None
        return noted.manifest if noted else None

    def note(self, version: str, manifest: Manifest) -> None:
        """Let a version say how it was made."""
        _write(self.path / version / _MANIFEST, Published(version, None, manifest))

    def note_commit(self, version: str, commit: str) -> None:
        """Let a version name another commit of the site, in its own file and in the index's."""
        for file in (self.path / version / _MANIFEST, self._manifest):
            noted = _read(file)
            if noted is not None and noted.version == version:
                _write(file, replace(noted, manifest=replace(noted.manifest, commit=commit)))

    def versions(self) -> Iterator[str]:
        """The names of all versions, the newest first."""
        folders = self.path.iterdir() if self.path.is_dir() else ()
        yield from sorted((f.name for f in folders if VERSION.fullmatch(f.name)), reverse=True)

    def drop_all_but(self, *kept: str | None) -> None:
        """Drop versions; the lock keeps other writers out."""
        for name in self.versions():
            if name not in kept:
                # A reader that lags behind may write in there meanwhile; the next run retries.
                shutil.rmtree(self.path / name, ignore_errors=True)


def _read(file: Path) -> Published | None:
    try:
        return published_of(file.read_bytes())
    except FileNotFoundError:
        return None


def _names_an_artifact(file: Path) -> bool:
    try:
        release_of(file.read_bytes())
    except ValueError:
        return False
    return True


def _write(file: Path, published: Published) -> None:
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as opened:
        opened.write(published_json(published))
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)
