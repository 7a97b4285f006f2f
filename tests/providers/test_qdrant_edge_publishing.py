from dataclasses import replace
from pathlib import Path

import pytest

from docchat.core.artifact import release_of
from docchat.errors import IndexLocked, IndexRefused, IndexUnavailable
from docchat.providers.artifact_folder import ArtifactFolder
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from tests.providers.artifacts import MADE, found, point, publish, store


def there(folder: Path) -> ArtifactFolder:
    return ArtifactFolder(folder / "there")


async def served(folder: Path) -> list[str]:
    index = ArtifactIndex(there(folder), lambda _: None)
    try:
        return await found(index)
    finally:
        await index.aclose()


async def test_the_manifest_says_what_an_operator_wants_to_know(tmp_path: Path) -> None:
    old = await publish(store(tmp_path), "a")
    new = await publish(store(tmp_path), "a", "b")
    release = release_of((tmp_path / "there/manifest.json").read_bytes())
    archive = tmp_path / "there" / release.current.name
    assert release.current.version == new
    assert release.current.size == archive.stat().st_size
    assert release.current.manifest == replace(MADE, chunks=2)
    assert release.previous is not None
    assert release.previous.version == old


async def test_an_artifact_is_not_larger_than_its_content(tmp_path: Path) -> None:
    await publish(store(tmp_path), "a")
    current = release_of((tmp_path / "there/manifest.json").read_bytes()).current
    assert current.size < 300_000  # of a shard that has 100 MB in name
    assert current.unpacked < 300_000


async def test_another_machine_goes_on_from_the_published_artifact(tmp_path: Path) -> None:
    version = await publish(store(tmp_path / "one", there(tmp_path)), "a", "b")
    other = store(tmp_path / "other", there(tmp_path))
    await other.acquire()
    (published,) = await other.versions()
    assert (published.name, published.published) == (version, True)
    held, _ = await other.held(version)
    assert sorted(one.path for one in held) == ["a.md", "b.md"]
    await other.aclose()


async def test_of_two_machines_that_publish_at_once_one_is_refused_and_loses_nothing(
    tmp_path: Path,
) -> None:
    one, other = (store(tmp_path / name, there(tmp_path)) for name in ("one", "other"))
    await publish(one, "old")
    late = await other.begin(MADE)
    await other.add(late, [point("late")])
    await publish(one, "new")
    with pytest.raises(IndexLocked, match="another run has published"):
        await other.publish(late)
    await other.release()
    assert await served(tmp_path) == ["new"]
    await other.acquire()
    assert late in [version.name for version in await other.versions()]  # its vectors are kept
    await other.aclose()
    await one.aclose()


async def test_two_artifacts_are_kept_and_what_was_not_finished_is_dropped(tmp_path: Path) -> None:
    writer, folder = store(tmp_path), tmp_path / "there"
    await publish(writer, "a")
    _leave(folder / f"{'0' * 64}.tar", folder / f"{'1' * 64}.tar.new", folder / "mine.txt")
    for name in "bc":
        await publish(writer, name)
    kept = release_of((folder / "manifest.json").read_bytes()).names
    assert set(there(tmp_path).archives()) == kept
    assert len(kept) == 2
    assert _is_there(folder / "mine.txt")


def _leave(*files: Path) -> None:
    for file in files:
        file.write_text("left behind")


def _is_there(path: Path) -> bool:
    return path.exists()


def _damage(folder: Path, *, lost: bool = False) -> None:
    for file in folder.glob("*.tar"):
        file.unlink() if lost else file.write_bytes(b"damaged")


@pytest.mark.parametrize("machine", ["one", "other"])
@pytest.mark.parametrize("lost", [False, True], ids=["damaged", "lost"])
async def test_a_published_artifact_that_cannot_be_used_is_replaced(
    tmp_path: Path, machine: str, *, lost: bool
) -> None:
    await publish(store(tmp_path / "one", there(tmp_path)), "a")
    _damage(tmp_path / "there", lost=lost)
    other = store(tmp_path / machine, there(tmp_path))
    await other.acquire()
    assert await other.manifest() is None  # so that an unchanged site is published again
    await publish(other, "a")
    await other.aclose()
    assert await served(tmp_path) == ["a"]


@pytest.mark.parametrize("machine", ["one", "other"])
async def test_nobody_goes_back_to_an_artifact_that_is_damaged(
    tmp_path: Path, machine: str
) -> None:
    for name in "ab":
        await publish(store(tmp_path / "one", there(tmp_path)), name)
    _damage(tmp_path / "there")
    before = there(tmp_path).manifest()
    with pytest.raises(IndexUnavailable) as caught:
        await store(tmp_path / machine, there(tmp_path)).roll_back(lambda _made: None)
    assert caught.value.reason == "damaged"
    assert there(tmp_path).manifest() == before


async def test_an_index_that_is_served_in_place_is_not_overwritten(tmp_path: Path) -> None:
    live = EdgeIndex(tmp_path, "there")
    version = await live.begin(replace(MADE, chunks=1))
    await live.add(version, [point("live")])
    await live.publish(version)
    with pytest.raises(IndexRefused, match="another place"):
        await publish(store(tmp_path), "a")
    assert await live.manifest() == replace(MADE, chunks=1)
    await live.aclose()


async def test_half_precision_takes_less_room_and_is_said_in_the_manifest(tmp_path: Path) -> None:
    writer = EdgeIndex(tmp_path, "docs", half=True)
    assert writer.layout == "quantization=float16"
    version = await writer.begin(replace(MADE, chunks=1, layout=writer.layout))
    await writer.add(version, [replace(point("a"), dense=(0.1, 0.995))])
    await writer.publish(version)
    (stored,) = (await writer.stored(version, [point("a").chunk.id])).values()
    assert list(stored.dense) == pytest.approx((0.1, 0.995), abs=1e-3)
    assert list(stored.dense) != pytest.approx((0.1, 0.995), abs=1e-6)
    await writer.aclose()


class Unsteady(ArtifactFolder):
    """Cannot be written to at first."""

    failures = 1

    def put(self, name: str, file: Path) -> None:
        if self.failures:
            self.failures -= 1
            raise IndexUnavailable("not now")
        super().put(name, file)


async def test_a_run_publishes_again_where_it_could_not_at_first(tmp_path: Path) -> None:
    writer = store(tmp_path, Unsteady(tmp_path / "there"))
    version = await writer.begin(replace(MADE, chunks=1))
    await writer.add(version, [point("a")])
    with pytest.raises(IndexUnavailable):
        await writer.publish(version)
    await writer.publish(version)
    assert await served(tmp_path) == ["a"]
    await writer.aclose()


async def test_a_run_sees_that_another_machine_has_published(tmp_path: Path) -> None:
    one, other = (store(tmp_path / name, there(tmp_path)) for name in ("one", "other"))
    await publish(one, "old")
    await other.acquire()
    await other.check()
    await publish(one, "new")
    with pytest.raises(IndexLocked, match="another run has published"):
        await other.check()
    await other.aclose()
    await one.aclose()
