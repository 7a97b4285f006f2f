import asyncio
import inspect
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from docchat.core.models import Chunk, Manifest, Point, Vector
from docchat.core.payload import Version
from docchat.errors import (
    AssistantUnavailable,
    IndexingError,
    IndexLocked,
    IndexRefused,
    IndexUnavailable,
    ServiceError,
    UpstreamBusy,
)
from docchat.indexing import (
    EMBED_BATCH,
    Allowed,
    DocumentEmbedder,
    Patience,
    Report,
    index,
    roll_back,
)
from docchat.indexing.writing import at_once
from tests.fakes import FakeEmbedder, FakeStore, a_chunk

USUAL = Allowed()


class WideEmbedder(FakeEmbedder):
    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [[*vector, 1.0] for vector in await super().embed_documents(texts)]


def chunks(count: int) -> list[Chunk]:
    return [a_chunk(n) for n in range(1, count + 1)]


async def run(
    wanted: Iterable[Chunk],
    store: FakeStore,
    embedder: DocumentEmbedder | None = None,
    *,
    model: str = "m",
    dimension: int = 2,
    commit: str = "",
    allowed: Allowed = USUAL,
    dry_run: bool = False,
    patience: Patience | None = None,
) -> Report:
    return await index(
        wanted,
        store=store,
        embedder=embedder or FakeEmbedder(),
        embedding_model=model,
        dimension=dimension,
        commit=commit,
        allowed=allowed,
        dry_run=dry_run,
        patience=patience,
    )


def counts(report: Report) -> tuple[int, int, int, int]:
    """Chunks, embedded, kept, removed."""
    return report.chunks, report.embedded, report.kept, report.removed


async def test_a_first_run_embeds_and_publishes_everything() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    report = await run(chunks(250), store, embedder)
    assert counts(report) == (250, 250, 0, 0)
    assert report.published
    assert len(store.held_now()) == 250
    assert sorted(map(len, embedder.batches)) == [50, EMBED_BATCH, EMBED_BATCH]


async def test_each_chunk_keeps_the_vector_of_its_own_text() -> None:
    store = FakeStore()
    await run(chunks(205), store)
    for point in store.held_now().values():
        assert point.dense[0] == len(point.chunk.embedded_text)


async def test_an_unchanged_site_embeds_and_writes_nothing() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    report = await run(list(reversed(chunks(3))), store, embedder)
    assert counts(report) == (3, 0, 3, 0)
    assert not report.published
    assert embedder.batches == []
    assert list(store.versions_) == ["v1"]


async def test_only_new_chunks_are_embedded_and_removed_ones_disappear() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(4), store)
    wanted = [*chunks(4)[1:], a_chunk(9)]
    report = await run(wanted, store, embedder)
    assert counts(report) == (4, 1, 3, 1)
    assert report.published
    assert embedder.batches == [[a_chunk(9).embedded_text]]
    assert set(store.held_now()) == {chunk.id for chunk in wanted}


async def test_a_moved_site_gets_new_urls_without_embedding() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(2), store)
    moved = [replace(chunk, url=f"https://new.example/{chunk.path}") for chunk in chunks(2)]
    report = await run(moved, store, embedder)
    assert (report.embedded, report.published) == (0, True)
    assert {point.chunk.url for point in store.held_now().values()} == {c.url for c in moved}


@pytest.mark.parametrize("change", [{"model": "other", "dimension": 3}, {"dimension": 3}])
async def test_vectors_of_another_space_are_never_reused(change: dict[str, int]) -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(2), store)
    with pytest.raises(IndexRefused, match="EMBEDDING_MODEL=m and EMBEDDING_DIMENSION=2, or embed"):
        await run(chunks(2), store, embedder, **change)  # type: ignore[arg-type]
    anyway = Allowed(other_model=True)
    report = await run(chunks(2), store, WideEmbedder(), allowed=anyway, **change)  # type: ignore[arg-type]
    assert counts(report) == (2, 2, 0, 0)


async def test_an_empty_read_leaves_the_index_as_it_is() -> None:
    store = FakeStore()
    await run(chunks(2), store)
    with pytest.raises(IndexingError, match="left as it is"):
        await run([], store)
    assert len(store.held_now()) == 2


async def test_a_failed_batch_leaves_the_old_index_and_what_was_paid_for() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(2), store)
    with pytest.raises(ServiceError, match="the embedder failed"):
        await run(chunks(500), store, FakeEmbedder(fail_at_batch=4))
    assert len(store.held_now()) == 2
    assert not store.locked
    report = await run(chunks(500), store, embedder)
    assert (report.kept, report.recovered) == (2, 300)
    assert counts(report) == (500, 198, 2, 0)
    assert sum(map(len, embedder.batches)) == 198
    assert len(store.held_now()) == 500


async def test_an_incomplete_version_is_not_published() -> None:
    store = FakeStore(lose=1)
    with pytest.raises(IndexingError, match="holds 4 chunks instead of 5"):
        await run(chunks(5), store)
    assert store.published is None


async def test_a_version_that_cannot_be_dropped_is_named() -> None:
    store = FakeStore(lose=1, unreachable=True)
    with pytest.raises(IndexingError) as failed:
        await run(chunks(5), store)
    assert "v1 is left behind" in failed.value.__notes__[0]


async def test_progress_reaches_the_total() -> None:
    told: list[tuple[int, int]] = []
    store = FakeStore()
    await run(chunks(3), store)
    await index(
        chunks(250),
        store=store,
        embedder=FakeEmbedder(),
        embedding_model="m",
        dimension=2,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (250, 250)
    assert told == sorted(told)


async def test_a_renamed_page_keeps_the_vectors_of_its_text() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    renamed = [replace(chunk, id=f"other-{chunk.id}", path="new.md") for chunk in chunks(3)]
    report = await run(renamed, store, embedder)
    assert counts(report) == (3, 0, 3, 3)
    assert embedder.batches == []
    assert set(store.held_now()) == {chunk.id for chunk in renamed}


async def test_a_changed_title_is_embedded_again() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    report = await run([*chunks(2), replace(a_chunk(3), id="t", title="Other")], store, embedder)
    assert counts(report) == (3, 1, 2, 1)


async def test_the_same_text_twice_is_paid_for_once() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    twice = [a_chunk(1), replace(a_chunk(1), id="other", path="copy.md")]
    report = await run(twice, store, embedder)
    assert counts(report) == (2, 2, 0, 0)
    assert report.texts == 1
    assert embedder.batches == [[a_chunk(1).embedded_text]]
    assert set(store.held_now()) == {a_chunk(1).id, "other"}


async def test_the_same_id_twice_is_one_chunk() -> None:
    assert counts(await run([a_chunk(1), a_chunk(1)], FakeStore())) == (1, 1, 0, 0)


@pytest.mark.parametrize("field", ["url", "version", "locale"])
async def test_whatever_changes_in_a_chunk_is_published(field: str) -> None:
    store = FakeStore()
    await run(chunks(2), store)
    report = await run([replace(c, **{field: "x"}) for c in chunks(2)], store)  # type: ignore[arg-type]
    assert (report.embedded, report.published) == (0, True)


async def test_a_store_that_keeps_indexes_differently_gets_a_new_version() -> None:
    store = FakeStore()
    await run(chunks(2), store)
    store.layout = "shards=2"
    assert counts(await run(chunks(2), store)) == (2, 0, 2, 0)
    assert store.published == "v2"


async def test_a_run_that_would_lose_much_is_refused_unless_allowed() -> None:
    store = FakeStore()
    await run(chunks(10), store)
    with pytest.raises(IndexRefused, match=r"4 of 10 chunks would be gone.*--allow-shrink"):
        await run(chunks(6), store)
    assert len(store.held_now()) == 10
    assert counts(await run(chunks(7), store)) == (7, 0, 7, 3)
    assert counts(await run(chunks(1), store, allowed=Allowed(shrink=True))) == (1, 0, 1, 6)


async def test_pages_that_lose_most_of_their_text_are_a_loss_too() -> None:
    store = FakeStore()
    whole = [replace(c, path="one.md") for c in chunks(10)]
    await run(whole, store)
    with pytest.raises(IndexRefused, match=r"4 of 10 chunks would be gone"):
        await run(whole[:6], store)
    assert counts(await run(whole[:7], store)) == (7, 0, 7, 3)


async def test_rewritten_and_renamed_pages_are_no_loss() -> None:
    store = FakeStore()
    await run(chunks(10), store)
    changed = [replace(c, id=f"{c.id}-b", text="Rewritten.") for c in chunks(5)]
    renamed = [replace(c, id=f"{c.id}-c", path=f"moved/{c.path}") for c in chunks(10)[5:]]
    assert (await run([*changed, *renamed], store)).removed == 10


async def test_a_dry_run_tells_and_leaves_everything_as_it_is() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    report = await run(chunks(5), store, embedder, dry_run=True)
    assert counts(report) == (5, 2, 3, 0)
    assert report.tokens == -(-sum(len(a_chunk(n).embedded_text) for n in (4, 5)) // 4)
    assert (report.published, embedder.batches, list(store.versions_)) == (False, [], ["v1"])
    assert not store.locked


async def test_a_second_run_is_told_that_there_is_one() -> None:
    store = FakeStore(locked=True)
    with pytest.raises(IndexLocked):
        await run(chunks(2), store)
    assert store.locked


async def test_the_site_is_read_once() -> None:
    once = (chunk for chunk in chunks(3))
    assert counts(await run(once, FakeStore())) == (3, 3, 0, 0)


async def test_a_damaged_vector_is_embedded_again() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    held = store.versions_["v1"]
    for id_, dense in zip(list(held), [[math.nan, 1.0], [0.0, 0.0], [1.0]], strict=True):
        held[id_] = replace(held[id_], dense=dense)
    report = await run([*chunks(3), a_chunk(4)], store, embedder)
    assert counts(report) == (4, 4, 0, 0)
    assert sum(map(len, embedder.batches)) == 4


async def test_a_chunk_that_comes_back_altered_is_not_published() -> None:
    class Altering(FakeStore):
        async def add(self, version: str, points: Sequence[Point]) -> None:
            changed = [replace(p, chunk=replace(p.chunk, text="Altered.")) for p in points]
            await super().add(version, changed)

    store = Altering()
    with pytest.raises(IndexingError, match="as it was written"):
        await run(chunks(3), store)
    assert (store.published, store.versions_) == (None, {})


async def test_a_version_whose_manifest_is_lost_is_not_published() -> None:
    class Forgetful(FakeStore):
        async def begin(self, manifest: Manifest) -> str:
            return await super().begin(replace(manifest, dimension=9))

    store = Forgetful()
    with pytest.raises(IndexingError, match="manifest"):
        await run(chunks(3), store)
    assert store.published is None


async def test_the_manifest_says_how_the_index_was_made() -> None:
    store = FakeStore()
    await run(chunks(3), store)
    made = await store.manifest()
    assert made is not None
    assert (made.embedding_model, made.dimension, made.normalization) == ("m", 2, "l2")
    assert (made.chunks, made.pages) == (3, 3)


async def test_texts_of_a_batch_that_failed_are_the_only_ones_asked_for_again() -> None:
    """Batches that are under way when one fails are finished and kept."""

    class Refusing(FakeEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            vectors = await super().embed_documents(texts)
            if len(self.batches) <= 4 and texts == self.batches[0]:
                raise AssistantUnavailable("the key is refused")
            await asyncio.sleep(0.01)
            return vectors

    store, embedder = FakeStore(), FakeEmbedder()
    with pytest.raises(AssistantUnavailable):
        await run(chunks(900), store, Refusing())
    report = await run(chunks(900), store, embedder)
    assert report.recovered == 300
    assert sum(map(len, embedder.batches)) == 600


class Busy(FakeStore):
    """Each of its calls fails the first time."""

    failed: set[str]

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not inspect.iscoroutinefunction(found) or name in {"release", "discard"}:
            return found

        async def call(*args: object, **options: object) -> object:
            failed = self.__dict__.setdefault("failed", set())
            if name not in failed:
                failed.add(name)
                raise UpstreamBusy("the store is busy", wait_s=0.001)
            return await found(*args, **options)

        return call


async def test_each_call_of_the_store_is_made_again_when_it_fails() -> None:
    store = Busy()
    await run(chunks(3), store)
    await run(chunks(4), store)
    await run(chunks(4), store, commit="b")
    assert len(store.failed) == 12
    assert len(store.held_now()) == 4


async def test_a_store_that_stays_away_ends_the_run() -> None:
    class Away(FakeStore):
        async def versions(self) -> list[Version]:
            raise IndexUnavailable("Qdrant cannot be reached")

    with pytest.raises(IndexUnavailable):
        await run(chunks(3), Away(), patience=Patience(failing_s=0))


async def test_an_unchanged_site_would_change_nothing() -> None:
    store = FakeStore()
    assert (await run(chunks(3), store, dry_run=True)).changed
    await run(chunks(3), store)
    assert not (await run(chunks(3), store, dry_run=True)).changed


async def test_a_new_commit_with_the_same_text_is_noted_without_a_new_version() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store, commit="a")
    for commit, noted in (("b", "b"), ("", "b")):
        assert not (await run(chunks(3), store, embedder, commit=commit)).published
        assert store.manifests["v1"].commit == noted
    await run(chunks(3), store, commit="c", dry_run=True)
    assert store.manifests["v1"].commit == "b"
    assert (list(store.versions_), embedder.batches) == (["v1"], [])


async def test_a_run_whose_place_was_taken_does_not_say_that_nothing_had_changed() -> None:
    store = FakeStore()
    await run(chunks(3), store)
    store.taken_over = True
    with pytest.raises(IndexLocked, match="taken over"):
        await run(chunks(3), store)


@pytest.mark.parametrize(
    ("made", "fix"),
    [
        ({"embedding_model": "old"}, "EMBEDDING_MODEL=old and EMBEDDING_DIMENSION=2"),
        ({"dimension": 3}, "EMBEDDING_MODEL=m and EMBEDDING_DIMENSION=3"),
        ({"sparse": "0"}, "index again"),
    ],
)
async def test_a_version_that_the_chat_would_refuse_is_not_rolled_back_to(
    made: dict[str, Any], fix: str
) -> None:
    store = FakeStore()
    await run(chunks(2), store)
    store.manifests["v1"] = replace(store.manifests["v1"], **made)
    await run(chunks(3), store, allowed=Allowed(other_model=True))
    with pytest.raises(IndexRefused, match=fix):
        await roll_back(store, embedding_model="m", dimension=2)
    assert store.published == "v2"


async def test_after_a_failure_between_batches_those_under_way_are_finished() -> None:
    done: list[int] = []

    def batches() -> Iterator[int]:
        yield from range(3)
        raise IndexingError("the disk is full")

    async def work(batch: int) -> None:
        await asyncio.sleep(0.01)
        done.append(batch)

    with pytest.raises(IndexingError):
        await at_once(batches(), work, 4)
    assert done == [0, 1, 2]
