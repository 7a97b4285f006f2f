"""Artifacts in a folder, of this machine or one that is mounted."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docchat.core.artifact import ARCHIVE, MANIFEST, Found, release_of
from docchat.errors import IndexLocked, IndexUnavailable

_PIECE = 1 << 20
_UNFINISHED = ".new"


class ArtifactFolder:
    """A `Destination`. Who only reads needs no right to write.

    Args:
        path: of this index; made when something is published.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._manifest = path / MANIFEST

    @property
    def place(self) -> str:
        """As `Source.place`."""
        return str(self._path)

    @property
    def holds_artifact(self) -> bool:
        """Whether an artifact is published here; an index to be read in place is none."""
        with suppress(OSError, ValueError):
            release_of(self._manifest.read_bytes())
            return True
        return False

    def manifest(self, known: str = "") -> Found | None:
        """As `Source.manifest`."""
        try:
            with self._manifest.open("rb") as file:
                stamp = _stamp(os.fstat(file.fileno()))
                return None if stamp == known else Found(file.read(), stamp)
        except FileNotFoundError as exc:
            raise IndexUnavailable(
                f"nothing is published in {self._path}: run the indexer with --publish",
                reason="collection-missing",
            ) from exc
        except OSError as exc:
            raise self._unusable(exc) from exc

    @contextmanager
    def open(self, name: str) -> Iterator[Iterator[bytes]]:
        """As `Source.open`."""
        try:
            file = (self._path / name).open("rb")
        except FileNotFoundError as exc:
            raise IndexUnavailable(
                f"{self._path / name} is gone, but the manifest names it: index again, or go back"
                " with --rollback",
                reason="archive-missing",
            ) from exc
        except OSError as exc:
            raise self._unusable(exc) from exc
        with file:
            yield iter(lambda: file.read(_PIECE), b"")

    def close(self) -> None:
        """Nothing is open."""

    def archives(self) -> dict[str, str]:
        """As `Destination.archives`; with those that were not written to their end."""
        with self._usable():
            names = [file.name for file in self._path.iterdir()] if self._path.is_dir() else []
        return {name: "" for name in names if ARCHIVE.fullmatch(name.removesuffix(_UNFINISHED))}

    def put(self, name: str, file: Path) -> None:
        """As `Destination.put`."""
        with self._usable(), file.open("rb") as packed:
            self._path.mkdir(parents=True, exist_ok=True)
            _write(self._path / name, iter(lambda: packed.read(_PIECE), b""))

    def replace(self, content: bytes, known: str) -> None:
        """As `Destination.replace`."""
        with self._usable(), (self._path / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            now = _stamp(self._manifest.stat()) if self._manifest.exists() else ""
            if now != known:
                raise IndexLocked(f"another run has published in {self._path} meanwhile")
            _write(self._manifest, [content])

    def drop(self, name: str, stamp: str) -> None:
        """As `Destination.drop`."""
        del stamp  # the same name is the same content
        with self._usable():
            (self._path / name).unlink(missing_ok=True)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise self._unusable(exc) from exc

    def _unusable(self, exc: OSError) -> IndexUnavailable:
        return IndexUnavailable(f"{self._path} cannot be used: {exc.strerror}")


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    """In one step: readers see the old file or the whole new one, also after a loss of power."""
    fresh = target.with_name(f"{target.name}{_UNFINISHED}")
    with fresh.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)
