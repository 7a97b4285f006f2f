"""Processes that fetch an artifact and search it, to be killed."""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from docchat.core.sparse import encode_query
from docchat.providers.artifact_gs import gs_artifacts
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from scripts.trials.stage import DIMENSION

_RUN_S = 60.0

_context = multiprocessing.get_context("forkserver")


class Fetch:
    """One process.

    Attributes:
        seconds: it took.
    """

    def __init__(self, address: str, base_url: str, temp: Path) -> None:
        self._answers, sending = _context.Pipe(duplex=False)
        self._began = time.monotonic()
        self.seconds = 0.0
        self._process = _context.Process(target=_search, args=(address, base_url, temp, sending))
        self._process.start()
        sending.close()

    def kill_after(self, seconds: float) -> None:
        """End it so long after its start, as the system does when it is out of memory."""
        self._process.join(max(0.0, self._began + seconds - time.monotonic()))
        self._process.kill()
        self._process.join()

    def found(self) -> set[str]:
        """The versions that its answer is from; nothing if it failed."""
        self._process.join(_RUN_S)
        self.seconds = time.monotonic() - self._began
        return self._answers.recv() if self._answers.poll() else set()


def _search(
    address: str, base_url: str, temp: Path, answers: "multiprocessing.connection.Connection"
) -> None:
    tempfile.tempdir = str(temp)
    answers.send(asyncio.run(_found(address, base_url)))
    sys.exit(0)


async def _found(address: str, base_url: str) -> set[str]:
    index = ArtifactIndex(gs_artifacts(address, base_url), lambda _: None)
    vector = [1.0] + [0.0] * (DIMENSION - 1)
    try:
        found = await index.search(vector, encode_query("generation topic part"), 50)
    finally:
        await index.aclose()
    return {found.index_version} if found.passages else set()
