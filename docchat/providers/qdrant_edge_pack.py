"""A folder of sparse files as one tar file, and back.

Most of a shard's files are holes: 100 MB in name for 5 MB of content. They are written as GNU tar
writes sparse files (format 1.0 of the pax headers), which Python's tarfile reads but cannot write.
"""

import hashlib
import os
import tarfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1 << 20
_SLOWEST = 1_000_000  # bytes a second
_PATIENCE_S = 60.0


class Damaged(Exception):
    """The file is not the one that was packed; says why."""


class Stopped(Exception):
    """Nobody waits for it any more, or it takes too long."""


class Packed(NamedTuple):
    """A packed file: its hash, its bytes, and those that its files take on a disk."""

    sha256: str
    size: int
    unpacked: int


class _Stream:
    """Pieces of bytes as a file to read from, hashed and counted."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        parts, wanted = [], size
        while wanted and (piece := self._left or self._next()):
            parts.append(piece[:wanted])
            self._left = piece[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def drain(self) -> str:
        """Read to the end; the hash of everything."""
        while self._next():
            pass
        return self._hash.hexdigest()

    def _next(self) -> bytes:
        for piece in self._pieces:
            if piece:
                self._hash.update(piece)
                self.size += len(piece)
                return piece
        return b""


class _Sink:
    """A file to write to, hashed and counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> int:
        self._hash.update(piece)
        self.size += len(piece)
        return self._file.write(piece)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def pack(folder: Path, target: Path) -> Packed:
    """Write everything in the folder into `target`, without the holes; on disk when it returns."""
    unpacked = 0
    with target.open("wb") as file:
        sink = _Sink(file)
        written = cast("BinaryIO", sink)
        with tarfile.open(fileobj=written, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(folder.rglob("*")):
                unpacked += _add(tar, path, path.relative_to(folder).as_posix())
        file.flush()
        os.fsync(file.fileno())
    return Packed(sink.sha256, sink.size, unpacked)


def unpack(pieces: Iterable[bytes], packed: Packed, folder: Path) -> None:
    """Write what was packed into an empty folder, while it is read and checked.

    Whoever gets an exception must not use the folder.

    Args:
        pieces: the packed file.
        packed: what it must be; not a byte more is read or written.
        folder: exists.

    Raises:
        Damaged: it is another one.
        OSError: no room, or no permission.
    """
    stream = _Stream(_no_more(pieces, packed.size))
    try:
        with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r|") as tar:
            _extract(tar, folder, packed.unpacked)
    except (tarfile.TarError, EOFError, ValueError) as exc:
        raise Damaged(f"it cannot be unpacked: {exc}") from exc
    _check(stream, packed)


def verify(pieces: Iterable[bytes], packed: Packed) -> None:
    """Read what was packed, and write nothing.

    Raises:
        Damaged: it is another one.
    """
    _check(_Stream(_no_more(pieces, packed.size)), packed)


def _check(stream: _Stream, packed: Packed) -> None:
    """Read what is left of it; raises `Damaged` if the whole is another one."""
    sha256 = stream.drain()
    if stream.size != packed.size:
        raise Damaged(f"it has {stream.size} bytes instead of {packed.size}")
    if sha256 != packed.sha256:
        raise Damaged("its checksum is wrong")


def watched(pieces: Iterable[bytes], size: int, stop: threading.Event) -> Iterator[bytes]:
    """The same pieces, until nobody waits for them; a megabyte a second at least.

    Raises:
        Stopped: `stop` was set, or the time is over.
    """
    deadline = time.monotonic() + _PATIENCE_S + size / _SLOWEST
    for piece in pieces:
        if stop.is_set():
            raise Stopped("it is not wanted any more")
        if time.monotonic() > deadline:
            raise Stopped(f"it comes at less than {_SLOWEST} bytes a second")
        yield piece


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """What is in a file from here on."""
    while piece := file.read(_PIECE):
        yield piece


def _add(tar: tarfile.TarFile, path: Path, name: str) -> int:
    """One file or folder; how much of it is no hole. Of its metadata nothing is kept."""
    if path.is_dir():
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        return 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        extents = list(_extents(file.fileno(), size))
        numbers = [len(extents), *(number for extent in extents for number in extent)]
        table = "".join(f"{number}\n" for number in numbers).encode()
        table += bytes(-len(table) % _BLOCK)
        data = sum(length for _, length in extents)
        info = tarfile.TarInfo(name)
        info.size = len(table) + data
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(size),
        }
        tar.addfile(info, cast("BinaryIO", _Stream(_content(table, file, extents))))
    return data


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file has content: offset and length; an empty one at the end says how long it is."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:  # nothing but a hole is left
            break
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, at - start
    yield size, 0


def _content(table: bytes, file: BinaryIO, extents: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    yield table
    for start, length in extents:
        file.seek(start)
        left = length
        while left and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece


def _extract(tar: tarfile.TarFile, folder: Path, most: int) -> None:
    for member in tar:
        most -= _stored(member)
        if not (member.isfile() or member.isdir()) or most < 0:
            raise Damaged(f"{member.name} is no file, or larger than the manifest says")
        tar.extract(member, folder, set_attrs=False, filter="data")


def _stored(member: tarfile.TarInfo) -> int:
    """How many bytes of a file are written; tarfile has the map of a sparse one."""
    sparse: list[tuple[int, int]] | None = getattr(member, "sparse", None)
    return member.size if sparse is None else sum(length for _, length in sparse)


def _no_more(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        size -= len(piece)
        yield piece
        if size < 0:  # the one piece too many shows that it is too long
            return
