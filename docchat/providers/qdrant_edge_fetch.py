"""Getting an artifact from where it lies, checked, or an error that says what to change."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docchat.core.artifact import Artifact, Found, Release, Source, release_of
from docchat.errors import IndexUnavailable, UpstreamTimeout
from docchat.providers.qdrant_edge_pack import Damaged, Packed, Stopped, unpack, verify, watched

_MIB = 1 << 20


def release_in(source: Source, found: Found) -> Release:
    """What a manifest's file says.

    Raises:
        IndexUnavailable: it is another file.
    """
    try:
        return release_of(found.content)
    except ValueError as exc:
        raise IndexUnavailable(
            f"the manifest at {source.place} is not one of this docchat's: set QDRANT_HOST to where"
            " an index was published, or publish it again",
            reason="damaged",
        ) from exc


def fetch(source: Source, artifact: Artifact, folder: Path, stop: threading.Event) -> None:
    """Unpack an artifact into an empty folder, which must not be used after an exception.

    Raises:
        IndexUnavailable: it is gone, is not what was published, or there is no room for it.
        UpstreamTimeout: it takes too long, or `stop` was set.
    """
    free = shutil.disk_usage(folder).free
    if artifact.unpacked > free:
        raise _no_room(folder, artifact, f"{free // _MIB} MiB are free")
    with _explained(source, artifact, folder), source.open(artifact.name) as pieces:
        unpack(watched(pieces, artifact.size, stop), _packed(artifact), folder)


def look_through(source: Source, artifact: Artifact, folder: Path) -> None:
    """Read an artifact whose version is in a folder of this machine already, and keep nothing.

    Raises:
        IndexUnavailable: it is gone, or is not what was published.
        UpstreamTimeout: it takes too long.
    """
    with _explained(source, artifact, folder), source.open(artifact.name) as pieces:
        verify(watched(pieces, artifact.size, threading.Event()), _packed(artifact))


def _packed(artifact: Artifact) -> Packed:
    return Packed(artifact.sha256, artifact.size, artifact.unpacked)


@contextmanager
def _explained(source: Source, artifact: Artifact, folder: Path) -> Iterator[None]:
    what = f"{artifact.name} at {source.place}"
    try:
        yield
    except Damaged as exc:
        raise IndexUnavailable(
            f"{what} is not what was published: {exc}; publish again, or go back with --rollback",
            reason="damaged",
        ) from exc
    except Stopped as exc:
        raise UpstreamTimeout(f"{what}: {exc}") from exc
    except OSError as exc:
        raise _no_room(folder, artifact, exc.strerror or type(exc).__name__) from exc


def _no_room(folder: Path, artifact: Artifact, why: str) -> IndexUnavailable:
    return IndexUnavailable(
        f"the {artifact.unpacked // _MIB} MiB of version {artifact.version} cannot be written to"
        f" {folder}: {why}; give the function more memory, or set TMPDIR to a larger disk",
        reason="no-room",
    )
