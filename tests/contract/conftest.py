import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from docchat.providers.artifact_gs import gs_artifacts
from docchat.providers.artifact_gs_writing import GsArtifacts
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from emulators import gcs
from emulators.qdrant import create_app
from emulators.server import serve_in_thread
from tests.contract.artifacts import Artifacts

Index = EdgeIndex | QdrantIndex | Artifacts

_numbers = itertools.count()


@pytest.fixture(scope="session")
def qdrant_url() -> Iterator[str]:
    with serve_in_thread(create_app()) as url:
        yield url


@pytest.fixture(scope="session")
def gcs_url() -> Iterator[str]:
    with serve_in_thread(gcs.create_app()) as url:
        yield url


@pytest.fixture(params=["edge", "server", "artifact"])
async def open_index(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], Index]]:
    """Opens another handle on this test's index, which is empty at first."""
    name = f"docs{next(_numbers)}"
    handles: list[Index] = []

    def opened() -> Index:
        match request.param:
            case "edge":
                handles.append(EdgeIndex(tmp_path, name))
            case "server":
                url = request.getfixturevalue("qdrant_url")
                handles.append(QdrantIndex(url, None, name, lease_s=1.0))
            case _:
                url, address = request.getfixturevalue("gcs_url"), f"gs://bucket/{name}"
                source = gs_artifacts(address, url)
                handles.append(Artifacts(tmp_path, name, GsArtifacts(address, url), source))
        return handles[-1]

    yield opened
    for handle in handles:
        await handle.aclose()
