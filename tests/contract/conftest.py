import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from emulators.qdrant import create_app
from emulators.server import serve_in_thread

_numbers = itertools.count()


@pytest.fixture(scope="session")
def qdrant_url() -> Iterator[str]:
    with serve_in_thread(create_app()) as url:
        yield url


@pytest.fixture(params=["edge", "server"])
async def open_index(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], EdgeIndex | QdrantIndex]]:
    """Opens another handle on this test's index, which is empty at first."""
    name = f"docs{next(_numbers)}"
    handles: list[EdgeIndex | QdrantIndex] = []

    def opened() -> EdgeIndex | QdrantIndex:
        if request.param == "edge":
            handles.append(EdgeIndex(tmp_path, name))
        else:
            url = request.getfixturevalue("qdrant_url")
            handles.append(QdrantIndex(url, None, name, lease_s=1.0))
        return handles[-1]

    yield opened
    for handle in handles:
        await handle.aclose()
