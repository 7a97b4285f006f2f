import asyncio
import json
import logging
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager

import pytest
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient, models
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from docchat.core.models import Chunk, Manifest, Point, SparseVector
from docchat.errors import (
    IndexUnavailable,
    KeyRefused,
    Misconfigured,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
)
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_growth import Growth
from emulators.qdrant import create_app
from emulators.server import serve_in_thread

KEY = "test-key-1234567890"
NORTH = (1.0, 0.0)
TERMS = SparseVector((1,), (1.0,))
CHUNK = Chunk(str(uuid.uuid4()), "a.md", "https://docs.example/a", "A", (), "Text.")
MANIFEST = Manifest("test-embedding", 2, "1", 1, "f", "2026-11-21T08:00:00+00:00")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(create_app(api_key=KEY)) as base_url:
        yield base_url


@asynccontextmanager
async def opened(
    url: str, key: str | None = KEY, name: str = "docs", *, timeout_s: float = 5.0
) -> AsyncIterator[QdrantIndex]:
    index = QdrantIndex(url, SecretStr(key) if key else None, name, timeout_s=timeout_s)
    try:
        yield index
    finally:
        await index.aclose()


async def publish(index: QdrantIndex) -> str:
    version = await index.begin(MANIFEST)
    await index.add(version, [Point(CHUNK, NORTH, TERMS)])
    await index.publish(version)
    return version


Answer = Callable[[Request], Awaitable[Response]]


def serving(answer: Answer) -> AbstractContextManager[str]:
    """A server that answers every request this way; gives its address."""
    route = Route("/{path:path}", answer, methods=["GET", "POST", "PUT", "DELETE"])
    return serve_in_thread(Starlette(routes=[route]))


def answering(status: int, body: str, **headers: str) -> AbstractContextManager[str]:
    """A server that gives every request the same answer."""

    async def answer(_: Request) -> Response:
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(body, status_code=status, headers=shown)

    return serving(answer)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


async def failure_of(url: str, *, timeout_s: float = 5.0) -> ServiceError:
    async with opened(url, timeout_s=timeout_s) as index:
        with pytest.raises(ServiceError) as caught:
            await index.search(NORTH, TERMS, 5)
    return caught.value


async def test_the_right_key_is_accepted(url: str) -> None:
    async with opened(url, name="keyed") as index:
        await publish(index)
        assert len((await index.search(NORTH, TERMS, 5)).passages) == 1


@pytest.mark.parametrize("key", [None, "wrong-key-1234567890"])
async def test_a_wrong_key_is_our_fault_and_stays_unnamed(url: str, key: str | None) -> None:
    async with opened(url, key) as index:
        with pytest.raises(KeyRefused) as caught:
            await index.search(NORTH, TERMS, 5)
    assert caught.value.reason == "unauthorized"
    assert "QDRANT_API_KEY" in str(caught.value)
    assert "key-1234567890" not in str(caught.value)


async def test_a_missing_collection_is_named(url: str) -> None:
    async with opened(url, name="nowhere") as index:
        with pytest.raises(IndexUnavailable, match="nowhere") as caught:
            await index.search(NORTH, TERMS, 5)
    assert caught.value.reason == "collection-missing"


async def test_a_refused_connection_is_unreachable() -> None:
    failure = await failure_of(closed_port())
    assert isinstance(failure, IndexUnavailable)
    assert failure.reason == "unreachable"


async def test_a_connection_closed_without_an_answer_is_unreachable() -> None:
    closed = asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        failure = await failure_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await closed.wait()
    assert isinstance(failure, IndexUnavailable)
    assert failure.reason == "unreachable"


async def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = asyncio.get_running_loop().time()
        failure = await failure_of(base_url, timeout_s=0.2)
        took = asyncio.get_running_loop().time() - started
    assert isinstance(failure, UpstreamTimeout)
    assert 0.2 <= took < 1.0


async def test_an_answer_that_trickles_is_given_up_in_time() -> None:
    async def spaces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" "
            await asyncio.sleep(0.05)

    async def trickle(_: Request) -> Response:
        return StreamingResponse(spaces())

    with serving(trickle) as base_url:
        assert isinstance(await failure_of(base_url, timeout_s=0.3), UpstreamTimeout)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "{",
        "[]",
        '{"result": null}',
        '{"result": [{"points": 5}]}',
        '{"result": [{"points": []}]}',
    ],
)
async def test_an_answer_that_is_not_the_apis_json_is_a_bad_response(body: str) -> None:
    with answering(200, body) as base_url:
        assert isinstance(await failure_of(base_url), UpstreamBadResponse)


@pytest.mark.parametrize(
    ("retry_after", "expected"), [("7", 7), ("Fri, 21 Nov 2026 08:00:00 GMT", 30), (None, 30)]
)
async def test_too_many_requests_is_busy(retry_after: str | None, expected: int) -> None:
    headers = {"retry_after": retry_after} if retry_after else {}
    with answering(429, '{"status": {"error": "Rate limit"}}', **headers) as base_url:
        failure = await failure_of(base_url)
    assert isinstance(failure, UpstreamBusy)
    assert failure.retry_after == expected


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (302, UpstreamBadResponse, "bad-response"),
        (400, UpstreamBadResponse, "bad-response"),
        (403, KeyRefused, "unauthorized"),
        (408, UpstreamTimeout, "timeout"),
        (500, IndexUnavailable, "failing"),
        (503, IndexUnavailable, "failing"),
        (504, UpstreamTimeout, "timeout"),
        (507, IndexUnavailable, "storage-full"),
    ],
)
async def test_every_other_status_has_its_error(
    status: int, kind: type[ServiceError], reason: str
) -> None:
    with answering(status, "the server's own words") as base_url:
        failure = await failure_of(base_url)
    assert type(failure) is kind
    assert failure.reason == reason
    assert "own words" not in str(failure)


async def test_points_without_a_payload_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    good = {"heading_path": [], "path": "a.md", "url": "u", "title": "A", "text": "Text."}
    payloads: list[object] = [None, {}, {**good, "text": 5}, {**good, "url": None}, good]
    points = [
        {"id": str(uuid.uuid4()), "version": 1, "score": 1.0 / n, "payload": payload}
        for n, payload in enumerate(payloads, start=1)
    ]
    body = {"result": [{"points": points}, {"points": points[:1]}], "status": "ok", "time": 0.0}
    with answering(200, json.dumps(body)) as base_url, caplog.at_level(logging.WARNING):
        async with opened(base_url) as index:
            found = await index.search(NORTH, TERMS, 5)
    assert [passage.chunk.id for passage in found.passages] == [points[-1]["id"]]
    assert found.best_cosine == 1.0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "left out 4 points" in caplog.text


async def test_points_that_are_all_bad_are_no_passages_and_an_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    point = {"id": str(uuid.uuid4()), "version": 1, "score": 0.9, "payload": {"text": 5}}
    body = {"result": [{"points": [point]}, {"points": [point]}], "status": "ok", "time": 0.0}
    with answering(200, json.dumps(body)) as base_url, caplog.at_level(logging.WARNING):
        async with opened(base_url) as index:
            assert (await index.search(NORTH, TERMS, 5)).passages == ()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("status", "headers", "retries", "wait_s"),
    [
        (200, {}, 1, None),  # not the API's JSON
        (400, {}, 0, None),
        (401, {}, 0, None),
        (404, {}, 0, None),
        (429, {"Retry_After": "7"}, 2, 7),
        (429, {}, 1, None),
        (500, {}, 1, None),
        (503, {}, 1, None),
        (507, {}, 0, None),
    ],
)
async def test_what_may_pass_is_worth_trying_again(
    status: int, headers: dict[str, str], retries: int, wait_s: float | None
) -> None:
    with answering(status, "<html>", **headers) as base_url:
        failure = await failure_of(base_url)
    assert (failure.retries, failure.wait_s) == (retries, wait_s)


async def test_a_stored_point_without_a_vector_is_embedded_again() -> None:
    record = {"id": CHUNK.id, "payload": None}
    records = [record, {**record, "vector": [1.0]}, {**record, "vector": {"other": [1.0]}}]
    body = {"result": records, "status": "ok", "time": 0.0}
    with answering(200, json.dumps(body)) as base_url:
        async with opened(base_url) as index:
            assert await index.stored("docs_1", [CHUNK.id]) == {}


@pytest.mark.parametrize("bad", ["", "qdrant.example:6333", "ftp://qdrant.example", "https://"])
def test_a_url_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(Misconfigured, match="QDRANT_HOST"):
        QdrantIndex(bad, None, "docs")


@pytest.mark.parametrize("host", ["qdrant.example", "10.0.0.7", "localhost.example"])
def test_a_key_does_not_travel_in_clear_text(host: str) -> None:
    with pytest.raises(Misconfigured, match="https"):
        QdrantIndex(f"http://{host}:6333", SecretStr(KEY), "docs")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
async def test_a_key_may_stay_on_this_machine(host: str) -> None:
    async with opened(f"http://{host}:6333") as index:
        assert KEY not in repr(index)


async def test_construction_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0.2)
        async with opened(f"http://127.0.0.1:{silent.getsockname()[1]}"):
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(silent.accept)


# --- versions and the alias ---------------------------------------------------


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[AsyncQdrantClient]:
    client = AsyncQdrantClient(url=url, headers={"api-key": KEY}, check_compatibility=False)
    try:
        yield client
    finally:
        await client.close()


DENSE_ONLY = {"dense": models.VectorParams(size=2, distance=models.Distance.COSINE)}


async def test_publishing_moves_the_alias_in_one_request(url: str) -> None:
    async with opened(url, name="moved") as index, client_of(url) as client:
        await publish(index)
        version = await publish(index)
        aliases = (await client.get_aliases()).aliases
    assert models.AliasDescription(alias_name="moved", collection_name=version) in aliases
    assert len([alias for alias in aliases if alias.alias_name == "moved"]) == 1


async def test_a_version_carries_its_manifest_and_both_vectors(url: str) -> None:
    async with opened(url, name="carried") as index, client_of(url) as client:
        config = (await client.get_collection(await publish(index))).config
    assert config.metadata is not None
    assert config.metadata["embedding_model"] == "test-embedding"
    assert config.params.vectors == DENSE_ONLY
    assert config.params.sparse_vectors is not None
    assert config.params.sparse_vectors["sparse"].modifier == models.Modifier.IDF


async def test_collections_of_others_are_never_dropped(url: str) -> None:
    others = ["mine_20200101T000000000000Z", "mine_other_20200101T000000000000Z_00000000", "x"]
    async with opened(url, name="mine") as index, client_of(url) as client:
        for name in others:
            await client.create_collection(name, vectors_config=DENSE_ONLY)
        for _ in range(3):
            await publish(index)
        names = {c.name for c in (await client.get_collections()).collections}
    assert names.issuperset(others)
    assert len([name for name in names if name.startswith("mine_2") and "Z_" in name]) == 2


async def test_a_version_is_kept_as_the_settings_say(url: str) -> None:
    growth = Growth(shards=2, replicas=3, quantization="int8", on_disk=True)
    index = QdrantIndex(url, SecretStr(KEY), "large", growth=growth)
    assert index.layout == "shards=2 replicas=3 quantization=int8 on_disk=True"
    version = await publish(index)
    assert len((await index.search(NORTH, TERMS, 5)).passages) == 1
    await index.aclose()
    dense = growth.dense(2)
    assert dense.on_disk
    assert dense.hnsw_config == models.HnswConfigDiff(on_disk=True)
    options = growth.collection()
    assert (options["shard_number"], options["replication_factor"]) == (2, 3)
    async with client_of(url) as client:
        vectors = (await client.get_collection(version)).config.params.vectors
    assert vectors == {"dense": dense}


def test_the_defaults_leave_everything_to_the_server() -> None:
    assert Growth().layout == ""
    assert Growth().collection() == {"quantization_config": None}
    assert Growth().dense(2) == DENSE_ONLY["dense"]


async def test_a_collection_with_the_aliass_name_is_refused_before_anything_is_written(
    url: str,
) -> None:
    async with opened(url, name="taken") as index, client_of(url) as client:
        await client.create_collection("taken", vectors_config=DENSE_ONLY)
        with pytest.raises(Misconfigured, match="QDRANT_COLLECTION_NAME='taken'"):
            await index.begin(MANIFEST)
        names = [c.name for c in (await client.get_collections()).collections]
    assert [name for name in names if name.startswith("taken")] == ["taken"]


async def test_a_collection_with_the_aliass_name_is_refused_at_publish(url: str) -> None:
    async with opened(url, name="late") as index, client_of(url) as client:
        version = await index.begin(MANIFEST)
        await client.create_collection("late", vectors_config=DENSE_ONLY)
        with pytest.raises(Misconfigured, match="is to be an alias"):
            await index.publish(version)
        await index.discard(version)
        assert not await client.collection_exists(version)


async def test_a_foreign_collection_is_not_taken_for_an_index(url: str) -> None:
    async with opened(url, name="foreign") as index, client_of(url) as client:
        await client.create_collection("foreign", vectors_config=DENSE_ONLY)
        with pytest.raises(IndexUnavailable, match="QDRANT_COLLECTION_NAME") as caught:
            await index.manifest()
    assert caught.value.reason == "no-manifest"


async def test_a_writer_that_died_leaves_the_published_version_alone(url: str) -> None:
    async with opened(url, name="died") as index:
        await publish(index)
    async with opened(url, name="died") as dying:
        version = await dying.begin(MANIFEST)
        await dying.add(version, [Point(CHUNK, NORTH, TERMS)])
    async with opened(url, name="died") as reader:
        assert len((await reader.search(NORTH, TERMS, 5)).passages) == 1
        await publish(reader)


async def test_more_searches_at_once_than_httpx_allows_by_default_do_not_queue() -> None:
    arrived, all_arrived = [], asyncio.Event()

    async def hold(request: Request) -> Response:
        arrived.append(request.client)
        if len(arrived) == 101:
            all_arrived.set()
        await all_arrived.wait()
        return JSONResponse({"result": [{"points": []}, {"points": []}]})

    with serving(hold) as base_url:
        # 127.1 is this machine too, and not one of the two names for which the client has no limit.
        async with opened(base_url.replace("127.0.0.1", "127.1"), None) as index:
            found = await asyncio.gather(*(index.search(NORTH, TERMS, 5) for _ in range(101)))
    assert len(found) == 101
