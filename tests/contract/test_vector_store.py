"""What every vector store promises; each test runs over each of them."""

import asyncio
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import pytest

from docchat.clients import PassageIndex
from docchat.core.models import (
    EVERYWHERE,
    Chunk,
    Manifest,
    Point,
    Retrieved,
    Scope,
    SparseVector,
    Vector,
)
from docchat.core.payload import Held, Version
from docchat.errors import AssistantUnavailable, IndexLocked, IndexRefused, IndexUnavailable
from docchat.indexing import IndexStore, Patience
from docchat.indexing.plan import all_held
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from tests.contract.artifacts import Artifacts

OpenIndex = Callable[[], EdgeIndex | QdrantIndex | Artifacts]

DIMENSION = 4
NO_TERMS = SparseVector((), ())
NORTH, EAST, UP = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0)


def chunk(name: str, text: str = "Text.") -> Chunk:
    return Chunk(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        path=f"{name}.md",
        url=f"https://docs.example/{name}#install",
        title=name.title(),
        heading_path=("Guide", "Install"),
        text=text,
    )


def point(name: str, dense: Vector = NORTH, terms: Sequence[int] = ()) -> Point:
    return Point(chunk(name), dense, SparseVector(tuple(terms), (1.0,) * len(terms)))


def manifest_for(points: Sequence[Point]) -> Manifest:
    return Manifest(
        embedding_model="test-embedding",
        dimension=DIMENSION,
        chunker="1",
        chunks=len(points),
        fingerprint=" ".join(p.chunk.path for p in points),
        created_at="2026-11-21T08:00:00+00:00",
    )


async def publish(store: IndexStore, *points: Point) -> str:
    version = await store.begin(manifest_for(points))
    await store.add(version, points)
    await store.publish(version)
    return version


def accept(_: Manifest) -> None:
    pass


def paths(found: Retrieved) -> list[str]:
    return [passage.chunk.path for passage in found.passages]


async def test_nothing_published_has_no_manifest(open_index: OpenIndex) -> None:
    assert await open_index().manifest() is None


async def test_nothing_published_cannot_be_searched(open_index: OpenIndex) -> None:
    index: PassageIndex = open_index()
    with pytest.raises(IndexUnavailable) as caught:
        await index.search(NORTH, NO_TERMS, 5)
    assert caught.value.reason == "collection-missing"


async def test_nothing_published_has_no_versions(open_index: OpenIndex) -> None:
    assert await open_index().versions() == []


async def test_what_was_published_comes_back_whole(open_index: OpenIndex) -> None:
    index, points = open_index(), [point("a", NORTH, [1]), point("b", EAST, [2])]
    await publish(index, *points)
    found = await index.search(NORTH, SparseVector((1,), (1.0,)), 5)
    assert [passage.chunk for passage in found.passages] == [p.chunk for p in points]
    assert await index.manifest() == manifest_for(points)


async def test_scores_fall_from_first_to_last(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index, point("a", NORTH), point("b", EAST), point("c", UP))
    scores = [passage.score for passage in (await index.search(NORTH, NO_TERMS, 3)).passages]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] > 0


async def test_limit_is_kept(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index, *(point(name) for name in "abcde"))
    assert len((await index.search(NORTH, NO_TERMS, 2)).passages) == 2


async def test_a_search_stays_within_its_version_and_locale(open_index: OpenIndex) -> None:
    index = open_index()
    places = {"old": ("1.0", "en"), "new": ("2.0", "en"), "neu": ("2.0", "de"), "any": ("", "")}
    points = [point(name, NORTH, [1]) for name in places]
    await publish(
        index,
        *(
            replace(one, chunk=replace(one.chunk, version=version, locale=locale))
            for one, (version, locale) in zip(points, places.values(), strict=True)
        ),
    )

    async def found(scope: Scope) -> set[str]:
        return set(paths(await index.search(NORTH, SparseVector((1,), (1.0,)), 9, scope)))

    assert await found(Scope("2.0", "en")) == {"new.md", "any.md"}
    assert await found(Scope(version="2.0")) == {"new.md", "neu.md", "any.md"}
    assert await found(Scope(locale="de")) == {"neu.md", "any.md"}
    assert await found(Scope("3.0", "fr")) == {"any.md"}
    assert await found(EVERYWHERE) == {"old.md", "new.md", "neu.md", "any.md"}


async def test_the_best_cosine_is_of_the_scope(open_index: OpenIndex) -> None:
    index, far = open_index(), point("b", EAST)
    near = point("a", NORTH)
    await publish(
        index,
        replace(near, chunk=replace(near.chunk, version="1.0")),
        replace(far, chunk=replace(far.chunk, version="2.0")),
    )
    found = await index.search(NORTH, NO_TERMS, 5, Scope(version="2.0"))
    assert found.best_cosine == pytest.approx(0.0, abs=1e-6)


async def test_an_empty_index_finds_nothing(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index)
    assert await index.search(NORTH, SparseVector((1,), (1.0,)), 5) == Retrieved((), 0.0)


async def test_an_identifier_is_found_by_its_term_and_a_paraphrase_by_its_vector(
    open_index: OpenIndex,
) -> None:
    index, identifier = open_index(), 4_000_000_000
    near = [point(f"near{n}", (1.0, n / 100, 0.0, 0.0), [7]) for n in range(60)]
    await publish(index, *near, point("exact", (-1.0, 0.0, 0.0, 0.0), [identifier]))
    found = await index.search(NORTH, SparseVector((identifier,), (1.0,)), 3)
    assert "exact.md" in paths(found)
    assert "near0.md" in paths(found)


async def test_a_rare_term_outweighs_a_common_one(open_index: OpenIndex) -> None:
    index, rare = open_index(), SparseVector((2,), (0.5,))
    many = [
        replace(point(f"common{n}", (1.0, 0.1, n, 0.0)), sparse=SparseVector((1,), (weight,)))
        for n, weight in enumerate([3.0] + [2.0] * 19)
    ]
    await publish(index, *many, replace(point("rare", NORTH), sparse=rare))
    found = await index.search(NORTH, SparseVector((1, 2), (1.0, 1.0)), 3)
    assert paths(found)[:2] == ["rare.md", "common0.md"]


async def test_best_cosine_is_the_cosine_of_the_nearest_chunk(open_index: OpenIndex) -> None:
    index = open_index()
    stored, asked = [(0.5, 0.5, 0.1, 0.7), (0.9, -0.2, 0.3, 0.1)], (0.8, 0.1, 0.4, 0.2)
    await publish(index, *(point(f"p{n}", dense, [n]) for n, dense in enumerate(stored)))
    best = max(
        sum(a * b for a, b in zip(asked, dense, strict=True))
        / math.hypot(*asked)
        / math.hypot(*dense)
        for dense in stored
    )
    found = await index.search(asked, SparseVector((0,), (1.0,)), 5)
    assert found.best_cosine == pytest.approx(best, abs=1e-6)


async def test_best_cosine_can_be_negative(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index, point("a", NORTH))
    assert (await index.search((-1.0, 0.0, 0.0, 0.0), NO_TERMS, 1)).best_cosine == pytest.approx(-1)


async def test_readers_see_the_old_version_until_the_new_one_is_published(
    open_index: OpenIndex,
) -> None:
    reader, writer = open_index(), open_index()
    await publish(writer, point("old"))
    assert paths(await reader.search(NORTH, NO_TERMS, 5)) == ["old.md"]
    version = await writer.begin(manifest_for([point("new"), point("newer")]))
    await writer.add(version, [point("new"), point("newer")])
    assert await writer.count(version) == 2
    assert paths(await reader.search(NORTH, NO_TERMS, 5)) == ["old.md"]
    assert await reader.manifest() == manifest_for([point("old")])
    await writer.publish(version)
    assert sorted(paths(await reader.search(NORTH, NO_TERMS, 5))) == ["new.md", "newer.md"]
    assert await reader.manifest() == manifest_for([point("new"), point("newer")])


async def test_searches_during_publications_never_see_a_mixture(open_index: OpenIndex) -> None:
    reader, writer = open_index(), open_index()
    generations = [[point(f"{generation}{n}") for n in range(5)] for generation in "abcd"]
    await publish(writer, *generations[0])
    seen: list[set[str]] = []

    async def read() -> None:
        while not (done.is_set() and seen[-1] == {"d"}):
            seen.append({path[0] for path in paths(await reader.search(NORTH, NO_TERMS, 5))})
            await asyncio.sleep(0)

    done = asyncio.Event()
    reading = asyncio.create_task(read())
    for points in generations[1:]:
        await publish(writer, *points)
        await asyncio.sleep(0.01)
    done.set()
    async with asyncio.timeout(5):
        await reading
    assert all(len(one) == 1 for one in seen)


async def test_the_version_before_is_kept_and_older_ones_are_dropped(
    open_index: OpenIndex,
) -> None:
    index = open_index()
    versions = [await publish(index, *[point(name) for name in "abc"[:n]]) for n in (1, 2, 3)]
    assert await index.count(versions[1]) == 2
    assert await index.count(versions[2]) == 3
    with pytest.raises(IndexUnavailable):
        await index.count(versions[0])


async def test_the_same_id_again_replaces_the_point(open_index: OpenIndex) -> None:
    index, changed = open_index(), point("a", EAST)
    changed = replace(changed, chunk=replace(changed.chunk, text="Newer."))
    version = await index.begin(manifest_for([changed]))
    await index.add(version, [point("a", NORTH)])
    await index.add(version, [changed])
    assert await index.count(version) == 1
    await index.publish(version)
    found = await index.search(EAST, NO_TERMS, 5)
    assert [passage.chunk for passage in found.passages] == [changed.chunk]
    assert found.best_cosine == pytest.approx(1)


async def test_a_large_addition_arrives_whole(open_index: OpenIndex) -> None:
    index, points = open_index(), [point(f"p{n}") for n in range(250)]
    version = await index.begin(manifest_for(points))
    await index.add(version, points)
    assert await index.count(version) == 250
    await index.publish(version)
    assert set(await index.stored(version, [p.chunk.id for p in points])) == {
        p.chunk.id for p in points
    }
    held = [one async for some in all_held(index, version, Patience()) for one in some]
    assert {one.id for one in held} == {p.chunk.id for p in points}


async def test_points_are_those_that_were_stored(open_index: OpenIndex) -> None:
    index, dense = open_index(), (0.5, -0.5, 0.5, 0.5)
    version = await publish(index, replace(point("a", dense, [3]), key="k"), point("b"))
    found = await index.stored(version, [chunk("a").id, chunk("missing").id])
    assert list(found) == [chunk("a").id]
    assert list(found[chunk("a").id].dense) == pytest.approx(dense, abs=1e-7)
    assert found[chunk("a").id].chunk == chunk("a")
    held = [one async for some in all_held(index, version, Patience()) for one in some]
    assert Held(chunk("a").id, "a.md", "k") in held


async def test_a_stored_vector_survives_being_copied_to_the_next_version(
    open_index: OpenIndex,
) -> None:
    index, id_ = open_index(), chunk("a").id
    first = await publish(index, point("a", (0.1, 0.7, 0.3, 0.2)))
    before = (await index.stored(first, [id_]))[id_].dense
    second = await publish(index, point("a", before))
    after = (await index.stored(second, [id_]))[id_].dense
    assert list(after) == pytest.approx(before, abs=1e-7)


async def test_no_ids_have_no_points(open_index: OpenIndex) -> None:
    index = open_index()
    assert await index.stored(await publish(index, point("a")), []) == {}


async def test_a_discarded_version_is_gone_and_the_published_one_stays(
    open_index: OpenIndex,
) -> None:
    index = open_index()
    await publish(index, point("old"))
    version = await index.begin(manifest_for([point("new")]))
    await index.add(version, [point("new")])
    await index.discard(version)
    with pytest.raises(IndexUnavailable):
        await index.count(version)
    assert paths(await index.search(NORTH, NO_TERMS, 5)) == ["old.md"]
    await publish(index, point("next"))
    assert paths(await index.search(NORTH, NO_TERMS, 5)) == ["next.md"]


async def test_a_published_version_cannot_be_discarded(open_index: OpenIndex) -> None:
    index = open_index()
    version = await publish(index, point("a"))
    with pytest.raises(IndexUnavailable):
        await index.discard(version)
    assert paths(await index.search(NORTH, NO_TERMS, 5)) == ["a.md"]


async def test_a_version_that_nobody_began_cannot_be_written(open_index: OpenIndex) -> None:
    index = open_index()
    with pytest.raises(IndexUnavailable):
        await index.add("20261121T080000000000Z_00000000", [point("a")])
    with pytest.raises(IndexUnavailable):
        await index.publish("20261121T080000000000Z_00000000")


async def test_a_point_with_an_ill_typed_payload_is_left_out(
    open_index: OpenIndex, caplog: pytest.LogCaptureFixture
) -> None:
    index, bad = open_index(), point("bad")
    bad = replace(bad, chunk=replace(bad.chunk, title=cast("str", 7)))
    with pytest.warns(UserWarning, match="Expected `str`"):
        await publish(index, bad, point("good", EAST))
    found = await index.search(NORTH, NO_TERMS, 5)
    assert paths(found) == ["good.md"]
    assert "left out 1 points" in caplog.text


async def test_text_of_any_script_survives(open_index: OpenIndex) -> None:
    index = open_index()
    text = "Grüße, 你好, שלום, 👩‍👩‍👧, e\u0301, \u202e, \x00, \u2028, 'quotes' \"and\" \\n"
    wild = replace(point("a"), chunk=replace(chunk("a"), text=text, heading_path=("Ü", "你好")))
    await publish(index, wild)
    found = await index.search(NORTH, NO_TERMS, 1)
    assert found.passages[0].chunk == wild.chunk


async def test_a_vector_of_another_length_is_named_as_the_cause(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index, point("a"))
    with pytest.raises(AssistantUnavailable, match="EMBEDDING_MODEL") as caught:
        await index.search((1.0, 0.0), NO_TERMS, 5)
    assert caught.value.reason == "other-dimension"


async def test_points_of_another_length_are_refused(open_index: OpenIndex) -> None:
    index = open_index()
    version = await index.begin(manifest_for([point("a")]))
    with pytest.raises(AssistantUnavailable) as caught:
        await index.add(version, [point("a", (1.0, 0.0))])
    assert caught.value.reason == "other-dimension"
    await index.discard(version)


async def test_101_searches_at_once_are_all_answered(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index, point("a", NORTH, [1]))
    found = await asyncio.gather(
        *(index.search(NORTH, SparseVector((1,), (1.0,)), 5) for _ in range(101))
    )
    assert [paths(one) for one in found] == [["a.md"]] * 101


async def test_two_handles_read_the_same_index(open_index: OpenIndex) -> None:
    await publish(open_index(), point("a"))
    readers = [open_index(), open_index()]
    found = await asyncio.gather(*(reader.search(NORTH, NO_TERMS, 5) for reader in readers))
    assert [paths(one) for one in found] == [["a.md"], ["a.md"]]


# --- one writer at a time -------------------------------------------------------


async def test_two_runs_never_hold_an_index_at_once(open_index: OpenIndex) -> None:
    first, second = open_index(), open_index()
    await first.acquire()
    with pytest.raises(IndexLocked):
        await second.acquire()
    with pytest.raises(IndexLocked):
        await second.begin(manifest_for([]))
    await first.acquire()  # it has it already
    await first.release()
    await second.acquire()


@pytest.mark.parametrize("ending", ["publish", "discard", "release", "aclose"])
async def test_the_index_is_free_again_at_the_end(open_index: OpenIndex, ending: str) -> None:
    first, second = open_index(), open_index()
    version = await first.begin(manifest_for([]))
    await (getattr(first, ending)(version) if ending in {"publish", "discard"} else first.release())
    await publish(second, point("b"))
    assert paths(await second.search(NORTH, NO_TERMS, 5)) == ["b.md"]


async def test_an_unfinished_version_is_listed_after_the_published_one_and_can_be_read(
    open_index: OpenIndex,
) -> None:
    dying, index = open_index(), open_index()
    published = await publish(index, point("a"))
    left = await dying.begin(manifest_for([point("b"), point("c")]))
    await dying.add(left, [point("b", EAST)])
    await dying.release()
    await index.acquire()
    assert await index.versions() == [
        Version(published, manifest_for([point("a")]), published=True),
        Version(left, manifest_for([point("b"), point("c")])),
    ]
    assert list((await index.stored(left, [chunk("b").id]))[chunk("b").id].dense) == list(EAST)


async def test_what_another_run_left_behind_is_dropped_and_nothing_else(
    open_index: OpenIndex,
) -> None:
    dying, index = open_index(), open_index()
    versions = [await publish(index, point(name)) for name in "ab"]
    left = await dying.begin(manifest_for([]))
    await dying.release()
    new = await index.begin(manifest_for([]))
    await index.drop_unfinished()
    names = [version.name for version in await index.versions()]
    assert names == [versions[1], new, versions[0]]
    assert left not in names


async def test_rolling_back_swaps_the_last_two_versions(open_index: OpenIndex) -> None:
    reader, index = open_index(), open_index()
    for name in "abc":
        await publish(index, point(name))
    assert await index.roll_back(accept) == manifest_for([point("b")])
    assert paths(await reader.search(NORTH, NO_TERMS, 5)) == ["b.md"]
    assert await reader.manifest() == manifest_for([point("b")])
    assert await index.roll_back(accept) == manifest_for([point("c")])
    assert paths(await reader.search(NORTH, NO_TERMS, 5)) == ["c.md"]


async def test_there_is_nothing_to_roll_back_to_at_first(open_index: OpenIndex) -> None:
    index = open_index()
    with pytest.raises(IndexRefused, match="no version"):
        await index.roll_back(accept)
    await publish(index, point("a"))
    with pytest.raises(IndexRefused, match="no version"):
        await index.roll_back(accept)


async def test_nobody_rolls_back_while_another_run_writes(open_index: OpenIndex) -> None:
    first, second = open_index(), open_index()
    for name in "ab":
        await publish(first, point(name))
    await first.begin(manifest_for([]))
    with pytest.raises(IndexLocked):
        await second.roll_back(accept)
    assert paths(await second.search(NORTH, NO_TERMS, 5)) == ["b.md"]


async def test_a_version_that_is_not_wanted_is_not_rolled_back_to(open_index: OpenIndex) -> None:
    index = open_index()
    for name in "ab":
        await publish(index, point(name))

    def refuse(made: Manifest) -> None:
        raise IndexRefused(made.fingerprint)

    with pytest.raises(IndexRefused, match=r"a\.md"):
        await index.roll_back(refuse)
    assert paths(await index.search(NORTH, NO_TERMS, 5)) == ["b.md"]
    await index.acquire()


async def test_publishing_again_keeps_the_version_before(open_index: OpenIndex) -> None:
    index = open_index()
    await publish(index, point("a"))
    version = await index.begin(manifest_for([point("b")]))
    await index.add(version, [point("b")])
    await index.publish(version)
    if isinstance(index, QdrantIndex):
        await index.acquire()  # as if only its reply had been lost
        await index.publish(version)
    assert await index.roll_back(accept) == manifest_for([point("a")])


async def test_a_commit_can_be_noted_later(open_index: OpenIndex) -> None:
    index, reader = open_index(), open_index()
    version = await publish(index, point("a"))
    noted = replace(manifest_for([point("a")]), commit="abc")
    await index.note_commit(version, "abc")
    assert await reader.manifest() == noted
    assert [one.manifest for one in await index.versions()] == [noted]
    assert paths(await reader.search(NORTH, NO_TERMS, 5)) == ["a.md"]
