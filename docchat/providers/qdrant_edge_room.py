"""Folders for what is unpacked: each process has its own, and clears away those of the dead."""

import fcntl
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_PREFIX, _FRESH = "docchat-index-", "docchat-new-index-"
_LOCK = "lock"


class Room:
    """A folder in the folder for temporary files, gone with the process.

    Two processes must not share one: the engine opens files for writing even to read them. The
    lock in it is free when its process was killed; then the next process removes it.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_FRESH))
        self._lock = _locked(self.path)
        # Only under this name it may be cleared away; by now it is locked.
        self.path = self.path.rename(self.path.with_name(self.path.name.replace(_FRESH, _PREFIX)))
        self._cleared = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        for folder in self.path.parent.glob(f"{_PREFIX}*"):
            _clear_if_dead(folder)

    def folder(self) -> Path:
        """A new, empty folder."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def close(self) -> None:
        """Remove everything."""
        self._cleared()
        if self._lock is not None:
            self._lock.close()


def _locked(folder: Path) -> BinaryIO | None:
    """The folder's lock; None where another process holds it."""
    file = (folder / _LOCK).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _clear_if_dead(folder: Path) -> None:
    with suppress(OSError):  # another user's, or just cleared away
        if lock := _locked(folder):
            with lock:
                shutil.rmtree(folder, ignore_errors=True)
