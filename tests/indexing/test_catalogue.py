import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from docchat.core.models import Chunk
from docchat.core.payload import Held
from docchat.errors import IndexingError
from docchat.indexing.catalogue import Catalogue
from tests.fakes import a_chunk

COUNT = 3000  # with their texts, more than is kept in memory
TEXT = "word " * 4000


def chunks() -> Iterator[Chunk]:
    return (a_chunk(n, f"{n} {TEXT}") for n in range(COUNT))


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can be written any more; a limit that can be lifted again."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def no_capture(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """What is captured goes to a file, too."""
    with capsys.disabled():
        yield


def test_a_full_disk_is_told_with_what_to_do(no_capture: None) -> None:
    held = [Held(a_chunk(n).id, "", str(n)) for n in range(COUNT)]
    with Catalogue(lambda c: str(int(c.id[-12:]))) as wanted:
        wanted.fill(chunks())
        with full_disk(), pytest.raises(IndexingError, match="set TMPDIR"):
            wanted.find("v", held)
    with Catalogue(lambda c: str(int(c.id[-12:]))) as wanted:
        wanted.fill(chunks())
        wanted.find("v", held)
        with full_disk(), pytest.raises(IndexingError, match="set TMPDIR"):
            wanted.forget(one.id for one in held)
