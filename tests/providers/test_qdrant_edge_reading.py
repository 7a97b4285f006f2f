import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import qdrant_edge as edge

from docchat.core.models import EVERYWHERE
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.providers.qdrant_edge_engine import layout, searches, upsert
from docchat.providers.qdrant_edge_reading import Reading
from tests.providers.artifacts import MADE, NORTH, TERMS, point

VERSION = "20261129T080000000000Z_00000000"
REQUEST = searches(NORTH, TERMS, 9, EVERYWHERE)


class Watched:
    """A shard that counts the points that are read of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.shard = edge.EdgeShard.create(str(folder), layout(MADE))
        self.read: list[int] = []

    def retrieve(self, ids: "Sequence[edge.PointId]", *what: Any) -> list[edge.Record]:
        self.read.append(len(ids))
        return self.shard.retrieve(list(ids), *what)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shard, name)


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path / "shard")
    watched.shard.update(upsert([point(name) for name in "abcde"], VERSION))
    yield watched
    watched.shard.close()


def opened(shard: Watched, **options: int) -> Reading:
    return Reading(cast("edge.EdgeShard", shard), Path("folder"), "the place", **options)


async def names(reading: Reading) -> list[str]:
    found = await reading.search(REQUEST)
    assert found is not None
    assert found.index_version == VERSION
    return sorted(passage.chunk.path for passage in found.passages)


ALL = [f"{name}.md" for name in "abcde"]


async def test_what_was_read_is_not_read_again(shard: Watched) -> None:
    reading = opened(shard)
    assert await names(reading) == await names(reading) == ALL
    shard.shard.update(upsert([point("f")], VERSION))
    assert await names(reading) == [*ALL, "f.md"]
    assert shard.read == [5, 1]


async def test_a_search_finds_more_than_stays_read(shard: Watched) -> None:
    reading = opened(shard, most_read=2)
    assert await names(reading) == await names(reading) == ALL
    assert shard.read[0] == 5
    assert 3 <= shard.read[1] <= 5


async def test_a_bad_payload_is_left_out_and_told_every_time(
    shard: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    bad = edge.Point(point("bad").chunk.id, {"dense": list(NORTH)}, {"text": 5})
    shard.shard.update(edge.UpdateOperation.upsert_points([bad]))
    reading = opened(shard)
    for _ in range(2):
        caplog.clear()
        assert await names(reading) == ALL
        assert caplog.messages == ["left out 1 points of the place: bad payload"]
    assert shard.read == [6]


@pytest.mark.parametrize("passes", [1, 2])
async def test_a_search_that_is_closed_half_way_finds_nothing(shard: Watched, passes: int) -> None:
    reading = opened(shard)
    searching = asyncio.create_task(reading.search(REQUEST))
    for _ in range(passes):
        await asyncio.sleep(0)
    assert not searching.done()
    reading.close()
    assert await searching is None
    assert shard.read == []


async def test_a_chunk_with_another_text_in_a_newer_version_is_read_anew(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    for text in ("old", "new"):
        made = point("a")
        version = await index.begin(MADE)
        await index.add(version, [replace(made, chunk=replace(made.chunk, text=text))])
        await index.publish(version)
        (passage,) = (await index.search(NORTH, TERMS, 9)).passages
        assert (passage.chunk.id, passage.chunk.text) == (made.chunk.id, text)
    await index.aclose()
