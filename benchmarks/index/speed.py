"""How fast an index answers and opens, and what it takes; each in a process of its own."""

import asyncio
import pickle
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from benchmarks.index.corpus import DIMENSION, Asked
from benchmarks.index.local_mode import LocalMode
from benchmarks.index.overlap import publish
from docchat.core.models import Point, Retrieved
from docchat.providers.artifact_folder import ArtifactFolder
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from docchat.providers.qdrant_edge_publishing import ArtifactStore

T = TypeVar("T")

_LIMIT = 50  # as many as the chat asks for
_WARM = 5
_MOST_S = 90.0  # of one engine's searches
_BEAT_S = 0.001
_MIB = 1 << 20
_LOADED_BY_LOCAL_MODE = 10_000  # more are written at 76 a second


@dataclass(frozen=True, slots=True)
class Measured:
    """What one engine took.

    Attributes:
        load_s: until the first search was answered.
        searches_s: each search.
        stalls_s: how late a heartbeat of the event loop was, meanwhile.
        own: MiB of memory that is the process's own.
        files: MiB of files, on disk or in memory, that it needs.
        archive: MiB that are fetched.
    """

    load_s: float | None
    searches_s: list[float]
    stalls_s: list[float]
    own: float
    files: float | None = None
    archive: float | None = None


def table(
    points_of: Callable[[int], list[Point]], questions: Sequence[Asked], folder: Path
) -> Table:
    """A row for each size and engine."""
    shown = Table("chunks", "engine", "p50 ms", "p99 ms", "loop held, p99 ms", "longest ms")
    for heading in ("opened in s", "own MiB", "files MiB", "fetched MiB"):
        shown.add_column(heading)
    for count in (1_000, 10_000, 50_000):
        made = points_of(count)
        stored = folder / f"{count}.pickle"
        stored.write_bytes(pickle.dumps(made))
        for name, half in {"artifact": False, "artifact, float16": True}.items():
            place, work = folder / f"{count} {name}", folder / f"{count} {name} work"
            asyncio.run(
                publish(ArtifactStore(work, "docs", ArtifactFolder(place), half=half), made)
            )
            _row(shown, count, name, _apart(_artifact, place, questions))
        _row(
            shown, count, "local mode", _apart(_local, stored, questions, folder / f"{count} local")
        )
    return shown


def _artifact(place: Path, questions: Sequence[Asked]) -> Measured:
    before = _own()
    there = ArtifactFolder(place)
    index = ArtifactIndex(there, lambda _: None)

    async def run() -> Measured:
        began = time.perf_counter()
        await index.search(*questions[0], _LIMIT)
        load_s = time.perf_counter() - began
        searches, stalls = await _asked(lambda one: index.search(one[0], one[1], _LIMIT), questions)
        artifact = index._open.copy.artifact  # type: ignore[union-attr]  # noqa: SLF001
        own = _own() - before
        sizes = artifact.unpacked / _MIB, artifact.size / _MIB
        await index.aclose()
        return Measured(load_s, searches, stalls, own, *sizes)

    return asyncio.run(run())


def _local(stored: Path, questions: Sequence[Asked], folder: Path) -> Measured:
    made = pickle.loads(stored.read_bytes())  # noqa: S301 - our own
    before, load_s, files = _own(), None, None
    if len(made) <= _LOADED_BY_LOCAL_MODE:
        index = LocalMode(folder)
        index.fill(made, DIMENSION)
        index.close()
        files = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / _MIB
        before, began = _own(), time.perf_counter()
        index = LocalMode(folder)
        index.search(*questions[0], _LIMIT)
        load_s = time.perf_counter() - began
    else:
        index = LocalMode()
        index.fill(made, DIMENSION)

    async def search(one: Asked) -> Retrieved:
        return index.search(one[0], one[1], _LIMIT)

    searches, stalls = asyncio.run(_asked(search, questions))
    own = _own() - before
    index.close()
    return Measured(load_s, searches, stalls, own, files, files)


async def _asked(
    search: Callable[[Asked], Awaitable[Retrieved]], questions: Sequence[Asked]
) -> tuple[list[float], list[float]]:
    """Each question's time, and how late a heartbeat was."""
    stalls: list[float] = []

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT_S)
            stalls.append(time.perf_counter() - began - _BEAT_S)

    for question in questions[:_WARM]:
        await search(question)
    beating = asyncio.create_task(beat())
    searches, ends = [], time.perf_counter() + _MOST_S
    for question in [*questions, *questions, *questions]:
        await asyncio.sleep(2 * _BEAT_S)
        began = time.perf_counter()
        await search(question)
        searches.append(time.perf_counter() - began)
        if time.perf_counter() > ends:
            break
    await asyncio.sleep(2 * _BEAT_S)
    beating.cancel()
    return searches, stalls


def _own() -> float:
    """MiB of this process's memory that is no file's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not say how much memory there is")


def _apart(measure: Callable[..., T], *arguments: object) -> T:
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        return processes.submit(measure, *arguments).result()


def _row(shown: Table, count: int, name: str, took: Measured) -> None:
    times = sorted(took.searches_s)
    figures = (
        statistics.median(times) * 1000,
        _share(times, 0.99) * 1000,
        _share(sorted(took.stalls_s), 0.99) * 1000,
        times[-1] * 1000,
        took.load_s,
        took.own,
        took.files,
        took.archive,
    )
    shown.add_row(f"{count:,}", name, *("–" if f is None else f"{f:,.2f}" for f in figures))


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
