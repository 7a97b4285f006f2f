"""Conversations in a Qdrant server, as the provider keeps them."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from qdrant_client import models

from docchat.errors import IndexUnavailable
from docchat.providers.qdrant_threads import INDEXED, QdrantThreads, point_id
from emulators.qdrant import create_app
from emulators.server import serve_in_thread
from tests.servers import free_port

DAY_S = 86_400.0
THREAD, ITEM = f"thr_{'a' * 32}", f"msg_{'b' * 32}"
FIRST = (20, None, "asc")
Open = Callable[[int], QdrantThreads]
_numbers = itertools.count()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(create_app()) as url:
        yield url


@pytest.fixture
async def opened(url: str) -> AsyncIterator[Open]:
    """Opens another handle on this test's collection, with a retention in days."""
    handles: list[QdrantThreads] = []
    name = f"docs{next(_numbers)}.threads"

    def open_threads(days: int) -> QdrantThreads:
        handles.append(QdrantThreads(url, None, name, retention_days=days))
        return handles[-1]

    yield open_threads
    for handle in handles:
        await handle.aclose()


async def count(threads: QdrantThreads) -> int:
    return (await threads.client.count(threads.collection)).count


async def test_what_is_saved_is_found_by_its_owner_alone(opened: Open) -> None:
    threads = opened(30)
    anne, bert = threads.of("anne"), threads.of("bert")
    now = time.time()
    await anne.save(THREAD, None, now, {"id": THREAD})
    await anne.save(THREAD, ITEM, now, {"id": ITEM})
    assert await anne.threads(*FIRST) == [await anne.thread(THREAD)] == [{"id": THREAD}]
    assert await anne.items(THREAD, *FIRST) == [await anne.item(THREAD, ITEM)] == [{"id": ITEM}]
    assert (await bert.threads(*FIRST), await bert.thread(THREAD)) == ([], None)
    assert (await bert.items(THREAD, *FIRST), await bert.item(THREAD, ITEM)) == ([], None)
    await bert.delete(THREAD)
    await bert.delete(THREAD, ITEM)
    assert await anne.items(THREAD, *FIRST) == [{"id": ITEM}]
    await anne.delete(THREAD, ITEM)
    assert (await anne.items(THREAD, *FIRST), await anne.thread(THREAD)) == ([], {"id": THREAD})


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_have_every_item_once_in_the_order_of_their_times(
    opened: Open, order: str
) -> None:
    threads = opened(30)
    anne, now = threads.of("anne"), time.time()
    await anne.save(THREAD, "0", now, {"id": "0"})
    points = [
        models.PointStruct(
            id=point_id(str(n)),
            vector={},
            payload={
                "owner": "anne",
                "thread": THREAD,
                "kind": "item",
                "at": now + n / 1000,
                "body": {"id": str(n)},
            },
        )
        for n in range(1, 1250)
    ]
    random.Random(1).shuffle(points)  # noqa: S311 - any order will do
    await threads.client.upsert(threads.collection, points)
    read: list[str] = []
    while page := await anne.items(THREAD, 400, read[-1] if read else None, order):
        read += [item["id"] for item in page]
    assert read == [str(n) for n in range(1250)][:: 1 if order == "asc" else -1]


async def test_there_is_nothing_behind_an_item_that_is_not_there(opened: Open) -> None:
    anne = opened(30).of("anne")
    await anne.save(THREAD, ITEM, time.time(), {"id": ITEM})
    for after in ("", "x", THREAD):
        assert await anne.items(THREAD, 20, after, "desc") is None
        assert await anne.item(THREAD, after) is None
    assert await anne.threads(20, "x", "desc") is None


async def test_what_is_over_the_retention_is_not_read_and_soon_deleted(opened: Open) -> None:
    long, short = opened(60), opened(30)
    now = time.time()
    await long.of("anne").save(THREAD, None, now - 31 * DAY_S, {"id": THREAD})
    assert await long.of("anne").thread(THREAD)
    assert await short.of("anne").thread(THREAD) is None
    assert await count(short) == 1
    await short.of("bert").save(f"thr_{'c' * 32}", None, now, {})
    assert await count(short) == 1
    assert await long.of("anne").thread(THREAD) is None


async def test_every_field_that_is_filtered_by_has_an_index(opened: Open) -> None:
    threads = opened(30)
    await threads.of("anne").save(THREAD, None, time.time(), {"id": THREAD})
    (point,), _ = await threads.client.scroll(threads.collection)
    assert INDEXED.keys() == (point.payload or {}).keys() - {"body"}


async def test_many_instances_may_make_the_collection_at_once(opened: Open) -> None:
    handles = [opened(30) for _ in range(4)]
    found = await asyncio.gather(*(handle.of("anne").threads(*FIRST) for handle in handles))
    assert found == [[]] * 4


async def test_a_server_that_is_not_there_is_said_and_not_remembered() -> None:
    threads = QdrantThreads(f"http://127.0.0.1:{free_port()}", None, "x.threads", retention_days=1)
    for _ in range(2):
        with pytest.raises(IndexUnavailable):
            await threads.of("anne").threads(*FIRST)
    await threads.aclose()
