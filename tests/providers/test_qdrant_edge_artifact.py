import asyncio
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docchat.core.artifact import Found, Release, release_json, release_of
from docchat.core.models import Manifest
from docchat.errors import AssistantUnavailable, IndexUnavailable, ServiceError
from docchat.providers.artifact_folder import ArtifactFolder
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from docchat.providers.qdrant_edge_pack import Packed, pack, pieces_of, unpack
from docchat.providers.qdrant_edge_room import Room
from tests.providers.artifacts import EAST, MADE, NORTH, TERMS, found, publish, store
from tests.servers import ROOT


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def accept(manifest: Manifest) -> None:
    if manifest.embedding_model != MADE.embedding_model:
        raise AssistantUnavailable("another model", reason="made-with-another-model")


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, this test's own."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def index(tmp_path: Path, temp: Path, clock: Clock) -> AsyncIterator[ArtifactIndex]:
    served = ArtifactIndex(ArtifactFolder(tmp_path / "there"), accept, refresh_s=45, clock=clock)
    yield served
    await served.aclose()
    assert not names(temp)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def refreshed(index: ArtifactIndex, clock: Clock) -> None:
    """Return when the index has looked for a newer artifact."""
    clock.now += 60
    await index.check()


async def test_the_first_search_fetches_what_is_published(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    await publish(store(tmp_path), "a", "b")
    assert await found(index) == ["a", "b"]


async def test_an_answer_says_which_version_it_is_from(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    version = await publish(store(tmp_path), "a")
    assert (await index.search(NORTH, TERMS, 9)).index_version == version


async def test_first_searches_share_one_fetch(
    tmp_path: Path, index: ArtifactIndex, temp: Path
) -> None:
    await publish(store(tmp_path), "a")
    assert await asyncio.gather(*(found(index) for _ in range(20))) == [["a"]] * 20
    (room,) = names(temp)
    assert len(names(temp / room)) == 2  # the lock and one copy


async def test_a_newer_artifact_is_looked_for_when_it_is_time_and_beside_the_searches(
    tmp_path: Path, index: ArtifactIndex, clock: Clock
) -> None:
    writer = store(tmp_path)
    await publish(writer, "old")
    assert await found(index) == ["old"]
    await publish(writer, "new")
    clock.now = 44
    await asyncio.sleep(0.05)
    assert await found(index) == ["old"]
    clock.now = 46
    assert await found(index) == ["old"]  # nobody waits for the newer one
    await index.check()
    assert await found(index) == ["new"]


async def test_a_manifest_that_has_not_changed_fetches_nothing(
    tmp_path: Path, index: ArtifactIndex, clock: Clock
) -> None:
    await publish(store(tmp_path), "a")
    await found(index)
    _take_away(tmp_path / "there")
    await refreshed(index, clock)
    assert await found(index) == ["a"]


async def test_going_back_is_picked_up_too(
    tmp_path: Path, index: ArtifactIndex, clock: Clock
) -> None:
    writer = store(tmp_path)
    for name in ("old", "new"):
        await publish(writer, name)
    assert await found(index) == ["new"]
    await writer.roll_back(lambda _made: None)
    await refreshed(index, clock)
    assert await found(index) == ["old"]


# --- what cannot be used --------------------------------------------------------


def _archive(there: Path) -> Path:
    return there / release_of((there / "manifest.json").read_bytes()).current.name


def _corrupt(there: Path) -> None:
    archive = _archive(there)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)


def _cut(there: Path) -> None:
    archive = _archive(there)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])


def _lengthen(there: Path) -> None:
    with _archive(there).open("ab") as file:
        file.write(bytes(5_000_000))


def _replace_by_another_file(there: Path) -> None:
    _archive(there).write_bytes(b"<html>Sign in</html>" * 1000)


def _take_away(there: Path) -> None:
    _archive(there).unlink()


def _garble_manifest(there: Path) -> None:
    (there / "manifest.json").write_text('{"current": {"version": "../../etc"}}')


def _take_manifest_away(there: Path) -> None:
    (there / "manifest.json").unlink(missing_ok=True)


def _say(there: Path, *, unpacked: int) -> None:
    manifest = there / "manifest.json"
    release = release_of(manifest.read_bytes())
    other = replace(release.current, unpacked=unpacked)
    manifest.write_bytes(release_json(replace(release, current=other)))


def _say_it_is_small(there: Path) -> None:
    _say(there, unpacked=9)


def _make_it_another_engines(there: Path) -> None:
    """What is published is whole, but the engine cannot open it."""
    manifest, folder, packed = there / "manifest.json", there / "unpacked", there / "packed"
    release = release_of(manifest.read_bytes())
    old = release.current
    folder.mkdir()
    with (there / old.name).open("rb") as file:
        unpack(pieces_of(file), Packed(old.sha256, old.size, old.unpacked), folder)
    for part in folder.rglob("segment.json"):
        part.write_text('{"not": "known"}')
    made = pack(folder, packed)
    other = replace(old, sha256=made.sha256, size=made.size, unpacked=made.unpacked)
    packed.rename(there / other.name)
    shutil.rmtree(folder)
    manifest.write_bytes(release_json(replace(release, current=other)))


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a byte is wrong": (_corrupt, "damaged"),
    "it ends half-way": (_cut, "damaged"),
    "it goes on": (_lengthen, "damaged"),
    "it is another file": (_replace_by_another_file, "damaged"),
    "it takes more room than said": (_say_it_is_small, "damaged"),
    "the engine cannot open it": (_make_it_another_engines, "damaged"),
    "it is gone": (_take_away, "archive-missing"),
    "the manifest is another file": (_garble_manifest, "damaged"),
    "the manifest is gone": (_take_manifest_away, "collection-missing"),
}


@pytest.mark.parametrize("bad", BAD)
async def test_the_last_good_artifact_keeps_serving_and_check_says_why(
    tmp_path: Path, index: ArtifactIndex, clock: Clock, bad: str
) -> None:
    writer, (damage, reason) = store(tmp_path), BAD[bad]
    await publish(writer, "good")
    assert await found(index) == ["good"]
    await publish(writer, "bad")
    damage(tmp_path / "there")
    clock.now += 60
    with pytest.raises(IndexUnavailable) as caught:
        await index.check()
    assert caught.value.reason == reason
    assert await found(index) == ["good"]


def _copies(temp: Path) -> int:
    return len(list(temp.glob("*/*/segments")))


async def test_what_the_engine_cannot_open_is_cleared_away(
    tmp_path: Path, index: ArtifactIndex, clock: Clock, temp: Path
) -> None:
    await publish(store(tmp_path), "good")
    assert await found(index) == ["good"]
    assert _copies(temp) == 1
    await publish(store(tmp_path), "bad")
    _make_it_another_engines(tmp_path / "there")
    for _ in range(3):
        with pytest.raises(IndexUnavailable, match="cannot open"):
            await refreshed(index, clock)
    assert _copies(temp) == 1


@pytest.mark.parametrize("bad", BAD)
async def test_without_a_good_artifact_a_search_fails_with_what_to_do(
    tmp_path: Path, index: ArtifactIndex, clock: Clock, bad: str
) -> None:
    writer, (damage, reason) = store(tmp_path), BAD[bad]
    await publish(writer, "bad")
    damage(tmp_path / "there")
    with pytest.raises(IndexUnavailable, match=r"publish|rollback|QDRANT_HOST") as caught:
        await found(index)
    assert (caught.value.reason, caught.value.status) == (reason, 503)
    _take_manifest_away(tmp_path / "there")
    await publish(writer, "good")
    clock.now += 60
    assert await found(index) == ["good"]


async def test_an_artifact_of_another_model_is_not_even_fetched(
    tmp_path: Path, index: ArtifactIndex, clock: Clock
) -> None:
    writer = store(tmp_path)
    await publish(writer, "good")
    assert await found(index) == ["good"]
    await publish(writer, "foreign", model="another")
    clock.now += 60
    with pytest.raises(AssistantUnavailable, match="another model"):
        await index.check()
    assert await found(index) == ["good"]
    await publish(writer, "good again")
    await refreshed(index, clock)
    assert await found(index) == ["good again"]


async def test_a_failure_is_logged_once_and_tried_again_ever_less_often(
    tmp_path: Path, index: ArtifactIndex, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await publish(store(tmp_path), "good")
    await found(index)
    _take_manifest_away(tmp_path / "there")
    clock.now = 100.0
    tries = 0
    for _ in range(30):
        clock.now += 1
        tries += clock.now >= index._due
        with pytest.raises(IndexUnavailable):
            await index.check()
    assert tries == 5  # after 1, 2, 4, 8 and 16 seconds
    assert len([one for one in caplog.records if "stays in use" in one.message]) == 1


async def test_an_archive_that_was_dropped_meanwhile_is_no_failure(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    writer = store(tmp_path)
    await publish(writer, "a")
    there, source = tmp_path / "there", index._source
    assert isinstance(source, ArtifactFolder)
    old = source.manifest()
    assert old is not None
    for name in "bcd":
        await publish(writer, name)
    assert len(source.archives()) == 2

    class Late(ArtifactFolder):
        """Saw the manifest just before the others were published."""

        seen = False

        def manifest(self, known: str = "") -> Found | None:
            if self.seen:
                return super().manifest(known)
            self.seen = True
            return old

    late = ArtifactIndex(Late(there), accept)
    assert await found(late) == ["d"]
    await late.aclose()


async def test_no_room_is_named_as_the_cause(tmp_path: Path, index: ArtifactIndex) -> None:
    await publish(store(tmp_path), "a")
    _say(tmp_path / "there", unpacked=1 << 60)
    with pytest.raises(IndexUnavailable, match="more memory") as caught:
        await found(index)
    assert caught.value.reason == "no-room"


# --- many changes, many readers -------------------------------------------------


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names alone


def _own_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_blocks for path in folder.rglob("*"))


def _change(there: ArtifactFolder) -> None:
    """Publish the version before; `--rollback` would fetch it first."""
    seen = there.manifest()
    assert seen is not None
    release = release_of(seen.content)
    assert release.previous is not None
    there.replace(release_json(Release(release.previous, release.current)), seen.stamp)


async def test_changes_leave_nothing_behind(
    tmp_path: Path, index: ArtifactIndex, clock: Clock, temp: Path
) -> None:
    writer = store(tmp_path)
    for name in "ab":
        await publish(writer, name)
    there, before = ArtifactFolder(tmp_path / "there"), (0, 0, 0)
    for change in range(20):
        _change(there)
        await refreshed(index, clock)
        assert await found(index) == ["ab"[change % 2]]
        if change == 5:
            gc.collect()
            before = (_open_files(), _size(temp), _own_kib())
    gc.collect()
    after = (_open_files(), _size(temp), _own_kib())
    assert after[:2] == before[:2]
    assert after[2] < before[2] + 16 * 1024


async def test_searches_during_changes_neither_fail_nor_see_two_versions(
    tmp_path: Path, index: ArtifactIndex, clock: Clock
) -> None:
    writer, done, seen = store(tmp_path), asyncio.Event(), set()
    await publish(writer, *(f"0-{n}" for n in range(5)))
    await index.check()

    async def ask() -> None:
        while not done.is_set():
            names = await found(index)
            assert len(names) == 5
            (generation,) = {name[0] for name in names}
            seen.add(generation)
            await asyncio.sleep(0.05)

    asking = [asyncio.create_task(ask()) for _ in range(100)]
    for generation in "123":
        await publish(writer, *(f"{generation}-{n}" for n in range(5)))
        clock.now += 60
        await index.check()
        assert (await found(index))[0][0] == generation
        await asyncio.sleep(0.2)
    done.set()
    await asyncio.gather(*asking)
    assert seen <= set("0123")
    assert len(seen) > 1


async def test_others_run_between_the_steps_of_a_search(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    await publish(store(tmp_path), "a")
    await index.check()
    passes, searching = 0, asyncio.create_task(found(index))
    while not searching.done():
        await asyncio.sleep(0)
        passes += 1
    assert passes >= 3  # with each of the two calls, and with reading what they found


async def test_a_search_that_meets_a_change_half_way_sees_the_newer_version_alone(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    await publish(store(tmp_path), "old", dense=EAST)
    await index.check()
    await publish(store(tmp_path), "new", dense=NORTH)
    assert index._open is not None
    newer = await asyncio.to_thread(index._look, index._open.copy)
    assert newer is not None
    searching = asyncio.create_task(index.search(NORTH, TERMS, 9))
    await asyncio.sleep(0)  # the first call has found the old one
    await index._change_to(newer)
    result = await searching
    assert [passage.chunk.path for passage in result.passages] == ["new.md"]
    assert result.best_cosine == pytest.approx(1.0)


async def test_a_search_that_is_closed_half_way_says_so(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    await publish(store(tmp_path), "a")
    await index.check()
    searching = asyncio.create_task(found(index))
    await asyncio.sleep(0)
    await index.aclose()
    with pytest.raises(IndexUnavailable, match="closed"):
        await searching


def test_what_a_killed_process_had_unpacked_is_cleared_away_and_nothing_else(temp: Path) -> None:
    others = Room()
    program = "import sys; from docchat.providers.qdrant_edge_room import Room; room = Room();"
    with subprocess.Popen(
        [sys.executable, "-c", f"{program} print(room.path, flush=True); sys.stdin.read()"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(temp)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        dying = Path(process.stdout.readline().decode().strip())
        assert others.path.exists()
        process.send_signal(signal.SIGKILL)
    assert dying.exists()
    last = Room()
    assert sorted(temp.iterdir()) == sorted([others.path, last.path])
    others.close()
    last.close()
    assert not list(temp.iterdir())


async def test_a_closed_index_says_so_and_can_be_closed_again(
    tmp_path: Path, index: ArtifactIndex
) -> None:
    await publish(store(tmp_path), "a")
    assert await found(index) == ["a"]
    await index.aclose()
    await index.aclose()
    with pytest.raises(IndexUnavailable, match="closed"):
        await found(index)


async def test_nothing_published_is_said_so(index: ArtifactIndex) -> None:
    with pytest.raises(ServiceError, match="--publish"):
        await found(index)
