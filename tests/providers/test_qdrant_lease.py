import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from docchat import indexing
from docchat.core.models import Chunk, Manifest, Point, SparseVector
from docchat.errors import IndexLocked, IndexUnavailable, ServiceError
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_lease import Lease, _is
from emulators.faults import Fault
from emulators.qdrant import create_app, trouble
from emulators.server import serve_in_thread
from emulators.wire import WireFault, bad_wire
from tests.fakes import FakeEmbedder

LEASE_S = 2.0
MANIFEST = Manifest("test-embedding", 2, "1", 0, "f", "2026-11-21T08:00:00+00:00")
POINT = Point(
    Chunk(str(uuid.uuid4()), "a.md", "https://docs.example/a", "A", (), "Text."),
    (1.0, 0.0),
    SparseVector((1,), (1.0,)),
)

Opened = Callable[[], QdrantIndex]


@pytest.fixture
def app() -> Starlette:
    return create_app()


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    with serve_in_thread(app) as base_url:
        yield base_url


@pytest.fixture
async def opened(url: str) -> AsyncIterator[Opened]:
    """Opens another run's handle on the same index."""
    handles: list[QdrantIndex] = []

    def one(address: str = url) -> QdrantIndex:
        handles.append(QdrantIndex(address, None, "docs", lease_s=LEASE_S))
        return handles[-1]

    yield one
    for handle in handles:
        await handle.aclose()


def stop_beating(index: QdrantIndex) -> None:
    """The run sleeps, as a suspended machine does; what it was doing it does when it wakes."""
    assert index._lease._beating is not None
    index._lease._beating.cancel()


async def published(index: QdrantIndex) -> str:
    return (await index.versions())[0].name


async def test_of_many_runs_at_once_one_gets_the_lease(opened: Opened) -> None:
    runs = [opened() for _ in range(8)]
    got = await asyncio.gather(*(run.acquire() for run in runs), return_exceptions=True)
    assert sorted(str(type(one).__name__) for one in got) == ["IndexLocked"] * 7 + ["NoneType"]


async def test_a_run_that_lives_is_named(opened: Opened) -> None:
    first, second = opened(), opened()
    await first.acquire()
    with pytest.raises(IndexLocked, match=r"another run holds docs: process \d+ on "):
        await second.acquire()


async def test_a_lease_outlasts_its_length_as_long_as_its_run_lives(opened: Opened) -> None:
    first, second = opened(), opened()
    version = await first.begin(MANIFEST)
    await asyncio.sleep(2 * LEASE_S)
    with pytest.raises(IndexLocked):
        await second.acquire()
    await first.publish(version)


async def test_a_run_that_wakes_up_too_late_publishes_nothing(opened: Opened) -> None:
    sleeping, other = opened(), opened()
    old = await sleeping.begin(MANIFEST)
    stop_beating(sleeping)
    new = await other.begin(MANIFEST)
    with pytest.raises(IndexLocked, match="taken over"):
        await sleeping.publish(old)
    await other.publish(new)
    assert await published(other) == new
    with pytest.raises(IndexLocked, match="taken over"):
        await sleeping.publish(old)
    assert await published(other) == new


async def test_a_run_that_wakes_up_too_late_drops_nothing_of_the_next(opened: Opened) -> None:
    sleeping, other = opened(), opened()
    await sleeping.begin(MANIFEST)
    stop_beating(sleeping)
    new = await other.begin(MANIFEST)
    await sleeping.drop_unfinished()
    await other.add(new, [POINT])
    await other.publish(new)
    await sleeping.release()
    assert await other.count(new) == 1


async def test_a_run_that_wakes_up_too_late_is_told(opened: Opened) -> None:
    sleeping, other = opened(), opened()
    await sleeping.acquire()
    await sleeping.check()
    stop_beating(sleeping)
    await other.publish(await other.begin(MANIFEST))
    with pytest.raises(IndexLocked, match="taken over"):
        await sleeping.check()


async def test_a_run_that_wakes_up_just_in_time_publishes(opened: Opened) -> None:
    """Between the other run's last look and its attempt to take over."""
    first, other = opened(), opened()
    version = await first.begin(MANIFEST)
    stop_beating(first)

    class Late(Lease):
        async def _take_over(self, dead: Any) -> Any:
            first._lease._beat += 1
            await first._lease._put(first._lease._mine(), only_if=_is(first._lease._owner))
            return await super()._take_over(dead)

    late = Late(other._client, other._names, LEASE_S)
    with pytest.raises(IndexLocked, match="another run holds"):
        await late.acquire()
    await first.publish(version)
    assert await published(first) == version


async def test_work_of_a_run_that_died_is_there_for_the_next(opened: Opened) -> None:
    dead, other = opened(), opened()
    left = await dead.begin(MANIFEST)
    await dead.add(left, [POINT])
    stop_beating(dead)
    await other.begin(MANIFEST)
    assert left in [version.name for version in await other.versions()]
    assert len(await other.stored(left, [POINT.chunk.id])) == 1
    await other.drop_unfinished()
    assert left not in [version.name for version in await other.versions()]


async def test_a_publication_whose_reply_is_lost_has_happened(url: str, opened: Opened) -> None:
    with bad_wire(url) as wire:
        index = QdrantIndex(wire.url, None, "docs", lease_s=LEASE_S)
        version = await index.begin(MANIFEST)
        wire.add("*/collections/aliases*", WireFault("reset", at=10), times=1)
        await index.publish(version)
        assert await published(index) == version
        await index.aclose()


async def test_a_publication_that_fails_leaves_the_old_version(
    app: Starlette, opened: Opened
) -> None:
    index = opened()
    old = await index.begin(MANIFEST)
    await index.publish(old)
    new = await index.begin(MANIFEST)
    app.state.faults.add("change_aliases", trouble.INTERNAL, times=1)
    with pytest.raises(IndexUnavailable):
        await index.publish(new)
    assert await published(index) == old
    await index.publish(new)
    assert await published(index) == new


async def test_a_server_that_fails_for_a_moment_does_not_end_the_lease(
    app: Starlette, opened: Opened
) -> None:
    index, other = opened(), opened()
    version = await index.begin(MANIFEST)
    app.state.faults.add("upsert", trouble.UNAVAILABLE, times=2)
    await asyncio.sleep(LEASE_S)
    with pytest.raises(IndexLocked):
        await other.acquire()
    await index.publish(version)


async def test_a_server_that_fails_leaves_no_fence(app: Starlette, opened: Opened) -> None:
    index = opened()
    app.state.faults.add("upsert", trouble.UNAVAILABLE, times=1)
    with pytest.raises(ServiceError):
        await index.acquire()
    await index.begin(MANIFEST)
    fences = [alias for alias in await index._names.aliases() if ".run." in alias]
    assert len(fences) == 1


async def test_nothing_of_a_run_is_left_when_it_is_done(opened: Opened) -> None:
    index = opened()
    for _ in range(3):
        await index.publish(await index.begin(MANIFEST))
    assert set(await index._names.aliases()) == {"docs", "docs.previous"}
    assert len(await index._names.versions()) == 2


async def test_a_key_that_may_only_read_is_enough_for_a_dry_run(
    app: Starlette, opened: Opened
) -> None:
    index = opened()
    version = await index.begin(MANIFEST)
    await index.publish(version)
    for writing in ("upsert", "change_aliases", "create_*", "delete_*"):
        app.state.faults.add(writing, trouble.WRONG_KEY)
    report = await indexing.index(
        [POINT.chunk],
        store=opened(),
        embedder=FakeEmbedder(),
        embedding_model=MANIFEST.embedding_model,
        dimension=MANIFEST.dimension,
        dry_run=True,
    )
    assert (report.embedded, report.published) == (1, False)


async def test_a_slow_server_is_waited_for(app: Starlette, opened: Opened) -> None:
    index = opened()
    app.state.faults.add("upsert", Fault(delay_s=0.2), times=1)
    version = await index.begin(MANIFEST)
    await index.publish(version)
    assert [(one.name, one.published) for one in await index.versions()] == [(version, True)]
