import asyncio
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from docchat.core.models import Chunk, Manifest, Point, SparseVector
from docchat.errors import AssistantUnavailable, IndexLocked, IndexUnavailable
from docchat.providers.qdrant_edge import EdgeIndex
from tests.providers import artifacts

ROOT = Path(__file__).parents[2]
NORTH = (1.0, 0.0)
TERMS = SparseVector((1,), (1.0,))
MANIFEST = Manifest("test-embedding", 2, "1", 1, "f", "2026-11-21T08:00:00+00:00")

SEARCH = """
import asyncio, sys
from pathlib import Path
from docchat.core.models import SparseVector
from docchat.providers.qdrant_edge import EdgeIndex

async def main():
    index = EdgeIndex(Path(sys.argv[1]), "docs")
    for line in sys.stdin:
        found = await index.search((1.0, 0.0), SparseVector((1,), (1.0,)), 5)
        print(*(passage.chunk.path for passage in found.passages), flush=True)

asyncio.run(main())
"""

WRITE_AND_STALL = """
import asyncio, sys
from pathlib import Path
from docchat.core.models import Manifest
from docchat.providers.qdrant_edge import EdgeIndex

async def main():
    index = EdgeIndex(Path(sys.argv[1]), "docs")
    await index.begin(Manifest("test-embedding", 2, "1", 1, "f", "2026-11-21T08:00:00+00:00"))
    print("begun", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def point(name: str) -> Point:
    chunk_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    return Point(Chunk(chunk_id, name, f"https://docs.example/{name}", "A", (), "T"), NORTH, TERMS)


async def publish(index: EdgeIndex, *names: str) -> str:
    version = await index.begin(MANIFEST)
    await index.add(version, [point(name) for name in names])
    await index.publish(version)
    return version


async def search(index: EdgeIndex) -> list[str]:
    found = await index.search(NORTH, TERMS, 5)
    return sorted(passage.chunk.path for passage in found.passages)


def versions(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def process(script: str, root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def ask(reader: subprocess.Popen[str]) -> list[str]:
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write("search\n")
    reader.stdin.flush()
    return sorted(reader.stdout.readline().split())


def test_construction_touches_no_file(tmp_path: Path) -> None:
    EdgeIndex(tmp_path / "index", "docs")
    assert list(tmp_path.iterdir()) == []


async def test_reading_makes_no_folder(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", "docs")
    assert await index.manifest() is None
    with pytest.raises(IndexUnavailable, match="nothing is published"):
        await search(index)
    assert versions(tmp_path) == set()


async def test_an_artifact_that_is_published_under_a_running_process_is_not_called_damaged(
    tmp_path: Path,
) -> None:
    running = EdgeIndex(tmp_path, "there")
    with pytest.raises(IndexUnavailable, match="nothing is published"):
        await search(running)
    await artifacts.publish(artifacts.store(tmp_path), "a")
    with pytest.raises(IndexUnavailable, match="start it again"):
        await search(running)


async def test_processes_read_while_another_publishes(tmp_path: Path) -> None:
    writer = EdgeIndex(tmp_path, "docs")
    await publish(writer, "old.md")
    with process(SEARCH, tmp_path) as first, process(SEARCH, tmp_path) as second:
        assert ask(first) == ask(second) == await search(writer) == ["old.md"]
        version = await writer.begin(MANIFEST)
        await writer.add(version, [point("new.md")])
        assert ask(first) == ["old.md"]
        await writer.publish(version)
        assert ask(first) == ask(second) == await search(writer) == ["new.md"]
        await publish(writer, "newer.md")
        await publish(writer, "newest.md")
        assert ask(first) == ask(second) == ["newest.md"]


async def test_a_process_forked_before_the_first_call_can_search(tmp_path: Path) -> None:
    await publish(EdgeIndex(tmp_path, "docs"), "a.md")
    script = SEARCH.replace("asyncio.run(main())", "import os; os.fork() or asyncio.run(main())")
    with process(script, tmp_path) as forked:
        assert ask(forked) == ["a.md"]


async def test_a_second_writer_is_refused_and_told_which_file_to_look_at(tmp_path: Path) -> None:
    first, second = EdgeIndex(tmp_path, "docs"), EdgeIndex(tmp_path, "docs")
    await first.begin(MANIFEST)
    with pytest.raises(IndexLocked, match=str(tmp_path / "docs" / "lock")):
        await second.begin(MANIFEST)
    with pytest.raises(IndexLocked):
        await first.begin(MANIFEST)
    await first.aclose()


@pytest.mark.parametrize("ending", ["publish", "discard", "aclose"])
async def test_the_lock_is_given_up_at_the_end(tmp_path: Path, ending: str) -> None:
    first, second = EdgeIndex(tmp_path, "docs"), EdgeIndex(tmp_path, "docs")
    version = await first.begin(MANIFEST)
    await (first.aclose() if ending == "aclose" else getattr(first, ending)(version))
    await publish(second, "b.md")
    assert await search(second) == ["b.md"]


async def test_another_collection_is_not_locked(tmp_path: Path) -> None:
    first, second = EdgeIndex(tmp_path, "docs"), EdgeIndex(tmp_path, "blog")
    version = await first.begin(MANIFEST)
    await publish(second, "b.md")
    await first.discard(version)
    assert await search(second) == ["b.md"]


async def test_a_killed_writer_leaves_no_lock_and_its_version_goes(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    old = await publish(index, "old.md")
    with process(WRITE_AND_STALL, tmp_path) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "begun\n"
        with pytest.raises(IndexLocked):
            await index.begin(MANIFEST)
        dying.kill()
    assert len(versions(tmp_path / "docs")) == 2
    assert await search(index) == ["old.md"]
    new = await publish(index, "new.md")
    assert versions(tmp_path / "docs") == {old, new}


async def test_folders_that_are_no_versions_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "docs" / "guides").mkdir(parents=True)
    index = EdgeIndex(tmp_path, "docs")
    for _ in range(3):
        await publish(index, "a.md")
    assert (tmp_path / "docs" / "guides").is_dir()


async def test_the_manifest_file_names_the_version_before(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    first, second = await publish(index, "a.md"), await publish(index, "b.md")
    written = json.loads((tmp_path / "docs" / "manifest.json").read_bytes())
    assert (written["version"], written["previous"]) == (second, first)


async def test_putting_the_version_before_back_is_seen_by_readers(tmp_path: Path) -> None:
    index, file = EdgeIndex(tmp_path, "docs"), tmp_path / "docs" / "manifest.json"
    await publish(index, "old.md")
    old = file.read_bytes()
    await publish(index, "new.md")
    assert await search(index) == ["new.md"]
    (tmp_path / "back.json").write_bytes(old)
    (tmp_path / "back.json").replace(file)
    assert await search(index) == ["old.md"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "v"}', '{"version": 7}', "\xff"])
async def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    await publish(EdgeIndex(tmp_path, "docs"), "a.md")
    (tmp_path / "docs" / "manifest.json").write_text(text, encoding="latin-1")
    index = EdgeIndex(tmp_path, "docs")
    for failing in (search(index), index.manifest(), index.versions()):
        with pytest.raises(IndexUnavailable, match=str(tmp_path / "docs")) as caught:
            await failing
        assert caught.value.reason == "damaged"


async def test_a_damaged_manifest_is_seen_by_a_reader_that_was_open(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    await publish(index, "a.md")
    assert await search(index) == ["a.md"]
    (tmp_path / "docs" / "manifest.json").write_text("{")
    with pytest.raises(IndexUnavailable):
        await search(index)


async def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    version = await publish(EdgeIndex(tmp_path, "docs"), "a.md")
    shutil.rmtree(tmp_path / "docs" / version)
    with pytest.raises(IndexUnavailable, match="remove the folder and index again"):
        await search(EdgeIndex(tmp_path, "docs"))


@pytest.mark.parametrize("pattern", ["edge_config.json", "segment.json", "status.dat"])
async def test_a_truncated_file_of_the_shard_is_no_crash(tmp_path: Path, pattern: str) -> None:
    version = await publish(EdgeIndex(tmp_path, "docs"), "a.md")
    for file in (tmp_path / "docs" / version).rglob(pattern):
        os.truncate(file, 0)
    with pytest.raises(IndexUnavailable, match="damaged"):
        await search(EdgeIndex(tmp_path, "docs"))


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("a file is in the way")
    with pytest.raises(IndexUnavailable, match="not writable"):
        await EdgeIndex(tmp_path, "docs").begin(MANIFEST)


async def test_a_failed_run_can_be_followed_by_another(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    version = await index.begin(MANIFEST)
    with pytest.raises(AssistantUnavailable):
        await index.add(version, [Point(point("a.md").chunk, (1.0,), TERMS)])
    await index.discard(version)
    await publish(index, "b.md")
    assert await search(index) == ["b.md"]


async def test_a_closed_index_opens_again(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    await publish(index, "a.md")
    assert await search(index) == ["a.md"]
    await index.aclose()
    await index.aclose()
    assert await search(index) == ["a.md"]


async def test_searches_that_race_to_open_load_one_shard(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    await publish(index, "a.md")
    await asyncio.gather(*(search(index) for _ in range(20)))
    opened = index._reader
    await search(index)
    assert opened is not None
    assert index._reader is opened


async def test_an_open_index_takes_the_memory_of_what_is_in_it(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    await publish(index, "a", "b")
    assert await search(index) == ["a", "b"]
    taken = resident_kib(tmp_path)
    await index.aclose()
    assert 0 < taken < 4096


async def test_a_search_that_is_closed_half_way_says_so(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, "docs")
    await publish(index, "a")
    searching = asyncio.create_task(search(index))
    await asyncio.sleep(0)
    await index.aclose()
    with pytest.raises(IndexUnavailable, match="closed"):
        await searching


def resident_kib(folder: Path) -> int:
    """How much of the folder's files this process has mapped into its memory."""
    kib, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if not line[:1].isupper():
            inside = str(folder) in line
        elif inside and line.startswith("Rss:"):
            kib += int(line.split()[1])
    return kib
