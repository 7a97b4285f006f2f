from dataclasses import replace

import pytest

from docchat.core.models import Chunk
from docchat.errors import IndexingError, ServiceError
from docchat.indexing import EMBED_BATCH, Report, index
from tests.fakes import FakeEmbedder, FakeStore, a_chunk


def chunks(count: int) -> list[Chunk]:
    return [a_chunk(n) for n in range(1, count + 1)]


async def run(
    wanted: list[Chunk],
    store: FakeStore,
    embedder: FakeEmbedder | None = None,
    *,
    model: str = "m",
    dimension: int = 2,
) -> Report:
    return await index(
        wanted,
        store=store,
        embedder=embedder or FakeEmbedder(),
        embedding_model=model,
        dimension=dimension,
    )


async def test_a_first_run_embeds_and_publishes_everything() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    report = await run(chunks(250), store, embedder)
    assert report == Report(chunks=250, embedded=250, kept=0, removed=0, published=True)
    assert len(store.held()) == 250
    assert sorted(map(len, embedder.batches)) == [50, EMBED_BATCH, EMBED_BATCH]


async def test_each_chunk_keeps_the_vector_of_its_own_text() -> None:
    store = FakeStore()
    await run(chunks(205), store)
    for point in store.held().values():
        assert point.dense[0] == len(point.chunk.embedded_text)


async def test_an_unchanged_site_embeds_and_writes_nothing() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    report = await run(list(reversed(chunks(3))), store, embedder)
    assert report == Report(chunks=3, embedded=0, kept=3, removed=0, published=False)
    assert embedder.batches == []
    assert list(store.versions) == ["v1"]


async def test_only_new_chunks_are_embedded_and_removed_ones_disappear() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(3), store)
    wanted = [*chunks(3)[1:], a_chunk(9)]
    report = await run(wanted, store, embedder)
    assert report == Report(chunks=3, embedded=1, kept=2, removed=1, published=True)
    assert embedder.batches == [[a_chunk(9).embedded_text]]
    assert set(store.held()) == {chunk.id for chunk in wanted}


async def test_a_moved_site_gets_new_urls_without_embedding() -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(2), store)
    moved = [replace(chunk, url=f"https://new.example/{chunk.path}") for chunk in chunks(2)]
    report = await run(moved, store, embedder)
    assert (report.embedded, report.published) == (0, True)
    assert {point.chunk.url for point in store.held().values()} == {c.url for c in moved}


@pytest.mark.parametrize("change", [{"model": "other"}, {"dimension": 3}])
async def test_vectors_of_another_space_are_never_reused(change: dict[str, int]) -> None:
    store, embedder = FakeStore(), FakeEmbedder()
    await run(chunks(2), store)
    report = await run(chunks(2), store, embedder, **change)  # type: ignore[arg-type]
    assert (report.embedded, report.removed) == (2, 0)


async def test_an_empty_read_leaves_the_index_as_it_is() -> None:
    store = FakeStore()
    await run(chunks(2), store)
    with pytest.raises(IndexingError, match="left as it is"):
        await run([], store)
    assert len(store.held()) == 2


async def test_a_failed_batch_leaves_the_old_index_and_drops_the_new_version() -> None:
    store = FakeStore()
    await run(chunks(2), store)
    with pytest.raises(ServiceError, match="the embedder failed"):
        await run(chunks(500), store, FakeEmbedder(fail_at_batch=3))
    assert len(store.held()) == 2
    assert list(store.versions) == ["v1"]


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
    told: list[int] = []
    store = FakeStore()
    await run(chunks(3), store)
    await index(
        chunks(250),
        store=store,
        embedder=FakeEmbedder(),
        embedding_model="m",
        dimension=2,
        progress=told.append,
    )
    assert sum(told) == 250
