import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse
from starlette.datastructures import State

from emulators.faults import Fault
from emulators.qdrant import create_app, trouble
from emulators.server import serve_in_thread

ROOT = Path(__file__).parents[2]
IDS = [str(uuid.UUID(int=n)) for n in range(6)]
VECTORS = {"dense": models.VectorParams(size=2, distance=models.Distance.COSINE)}
SPARSE = {"sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(create_app()) as base_url:
        yield base_url


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncQdrantClient]:
    connected = AsyncQdrantClient(url=url, check_compatibility=False)
    yield connected
    await connected.close()


@pytest.fixture
async def filled(client: AsyncQdrantClient) -> str:
    """A collection with a point for each id: further from (1, 0) and with payload `n` growing."""
    name = f"filled-{uuid.uuid4()}"
    await client.create_collection(name, VECTORS, sparse_vectors_config=SPARSE)
    await client.upsert(
        name,
        [
            models.PointStruct(
                id=point_id,
                vector={
                    "dense": [1.0, float(n)],
                    "sparse": models.SparseVector(indices=[1, 10 + n], values=[1.0, 1.0]),
                },
                payload={"n": n, "kind": "even" if n % 2 == 0 else "odd"},
            )
            for n, point_id in enumerate(IDS)
        ],
    )
    return name


def number(n: int) -> models.Filter:
    condition = models.FieldCondition(key="n", match=models.MatchValue(value=n))
    return models.Filter(must=condition)


async def numbers(client: AsyncQdrantClient, name: str) -> list[object]:
    points, _ = await client.scroll(name, limit=100)
    return [point.payload["n"] for point in points if point.payload]


def error_of(caught: pytest.ExceptionInfo[UnexpectedResponse]) -> str:
    return str(caught.value.structured()["status"]["error"])


# --- collections and aliases --------------------------------------------------


async def test_a_collection_says_how_it_was_made(client: AsyncQdrantClient, filled: str) -> None:
    await client.create_collection(
        "described", VECTORS, sparse_vectors_config=SPARSE, metadata={"model": "m", "n": 7}
    )
    info = await client.get_collection("described")
    assert info.config.params.vectors == VECTORS
    assert info.config.params.sparse_vectors == SPARSE
    assert info.config.metadata == {"model": "m", "n": 7}
    await client.update_collection("described", metadata={"n": 8})
    info = await client.get_collection("described")
    assert info.config.metadata == {"model": "m", "n": 8}
    assert info.points_count == 0
    assert (await client.get_collection(filled)).points_count == 6


async def test_collections_are_listed_until_they_are_deleted(client: AsyncQdrantClient) -> None:
    await client.create_collection("listed", VECTORS)
    assert "listed" in [c.name for c in (await client.get_collections()).collections]
    assert await client.collection_exists("listed")
    assert await client.delete_collection("listed")
    assert "listed" not in [c.name for c in (await client.get_collections()).collections]
    assert not await client.collection_exists("listed")
    assert not await client.delete_collection("listed")


async def test_a_name_is_taken_once(client: AsyncQdrantClient) -> None:
    await client.create_collection("once", VECTORS)
    with pytest.raises(UnexpectedResponse) as caught:
        await client.create_collection("once", VECTORS)
    assert caught.value.status_code == 409
    assert error_of(caught) == "Wrong input: Collection `once` already exists!"


async def test_a_missing_collection_is_answered_as_the_server_does(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.post("/collections/x/points/query", json={})
    assert answer.status_code == 404
    text = "Not found: Collection `x` doesn't exist!"
    assert answer.json() == {"status": {"error": text}, "time": 0.0}


def create_alias(alias: str, collection: str) -> models.CreateAliasOperation:
    named = models.CreateAlias(alias_name=alias, collection_name=collection)
    return models.CreateAliasOperation(create_alias=named)


def delete_alias(alias: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


async def test_an_alias_is_swapped_in_one_request(client: AsyncQdrantClient, filled: str) -> None:
    await client.create_collection("fresh", VECTORS)
    await client.update_collection_aliases([create_alias("current", filled)])
    assert (await client.count("current")).count == 6
    await client.update_collection_aliases(
        [delete_alias("current"), create_alias("current", "fresh")]
    )
    assert (await client.count("current")).count == 0
    assert (await client.get_collection_aliases(filled)).aliases == []


async def test_alias_changes_are_all_made_or_none(client: AsyncQdrantClient, filled: str) -> None:
    await client.update_collection_aliases([create_alias("steady", filled)])
    with pytest.raises(UnexpectedResponse) as caught:
        await client.update_collection_aliases(
            [delete_alias("steady"), create_alias("steady", "missing")]
        )
    assert caught.value.status_code == 404
    assert (await client.count("steady")).count == 6


async def test_an_alias_is_renamed_and_goes_with_its_collection(client: AsyncQdrantClient) -> None:
    await client.create_collection("target", VECTORS)
    rename = models.RenameAlias(old_alias_name="before", new_alias_name="after")
    await client.update_collection_aliases(
        [create_alias("before", "target"), models.RenameAliasOperation(rename_alias=rename)]
    )
    aliases = (await client.get_collection_aliases("target")).aliases
    assert [alias.alias_name for alias in aliases] == ["after"]
    await client.delete_collection("target")
    assert not await client.collection_exists("after")


async def test_aliases_and_collections_share_their_names(client: AsyncQdrantClient) -> None:
    await client.create_collection("real", VECTORS)
    with pytest.raises(UnexpectedResponse) as caught:
        await client.update_collection_aliases([create_alias("real", "real")])
    assert caught.value.status_code == 409
    await client.update_collection_aliases([create_alias("nickname", "real")])
    with pytest.raises(UnexpectedResponse) as caught:
        await client.create_collection("nickname", VECTORS)
    assert caught.value.status_code == 400
    assert "Alias with the same name already exists" in error_of(caught)


# --- points -------------------------------------------------------------------


async def test_a_hybrid_batch_is_answered_in_one_request(
    client: AsyncQdrantClient, filled: str
) -> None:
    dense = models.Prefetch(query=[1.0, 0.0], using="dense", limit=3)
    terms = models.SparseVector(indices=[15], values=[1.0])
    sparse = models.Prefetch(query=terms, using="sparse", limit=3)
    fusion = models.FusionQuery(fusion=models.Fusion.RRF)
    hybrid, nearest = await client.query_batch_points(
        filled,
        [
            models.QueryRequest(prefetch=[dense, sparse], query=fusion, limit=2, with_payload=True),
            models.QueryRequest(query=[1.0, 0.0], using="dense", limit=1),
        ],
    )
    # Both are first on one side only: 1 / (2 + 0), with the server's k of 2.
    assert {point.id: point.score for point in hybrid.points} == {IDS[0]: 0.5, IDS[5]: 0.5}
    assert all(point.payload for point in hybrid.points)
    assert nearest.points[0].id == IDS[0]
    assert nearest.points[0].score == pytest.approx(1.0)
    assert nearest.points[0].payload is None


async def test_a_query_takes_filter_offset_threshold_and_vectors(
    client: AsyncQdrantClient, filled: str
) -> None:
    odd = models.FieldCondition(key="kind", match=models.MatchAny(any=["odd"]))
    found = await client.query_points(
        filled,
        query=[1.0, 0.0],
        using="dense",
        query_filter=models.Filter(must=[odd]),
        offset=1,
        score_threshold=0.2,
        with_vectors=["dense"],
    )
    assert [point.id for point in found.points] == [IDS[3]]
    vector = found.points[0].vector
    assert isinstance(vector, dict)
    assert vector["dense"] == pytest.approx([0.1**0.5, 0.9**0.5])


async def test_fusion_takes_k_and_weights(client: AsyncQdrantClient, filled: str) -> None:
    found = await client.query_points(
        filled,
        prefetch=[models.Prefetch(query=[1.0, 0.0], using="dense", limit=1)],
        query=models.RrfQuery(rrf=models.Rrf(k=60)),
    )
    assert found.points[0].score == pytest.approx(1 / 60)


async def test_scrolling_visits_every_point_once(client: AsyncQdrantClient, filled: str) -> None:
    seen, offset = [], None
    while True:
        points, offset = await client.scroll(filled, limit=4, offset=offset, with_payload=["n"])
        seen += [point.id for point in points]
        assert all(point.payload == {"n": IDS.index(str(point.id))} for point in points)
        if offset is None:
            break
    assert seen == IDS


async def test_scrolling_goes_by_a_field_that_has_an_index(
    client: AsyncQdrantClient, filled: str
) -> None:
    by_n = models.OrderBy(key="n", direction=models.Direction.DESC, start_from=3)
    with pytest.raises(UnexpectedResponse) as caught:
        await client.scroll(filled, order_by=by_n)
    assert caught.value.status_code == 400
    await client.create_payload_index(filled, "n", models.PayloadSchemaType.FLOAT)
    points, offset = await client.scroll(filled, order_by=by_n, limit=3)
    assert ([point.id for point in points], offset) == (IDS[3:0:-1], None)


async def test_retrieve_returns_vectors_and_skips_what_is_not_there(
    client: AsyncQdrantClient, filled: str
) -> None:
    records = await client.retrieve(
        filled, [IDS[0], str(uuid.uuid4())], with_payload=False, with_vectors=True
    )
    sparse = models.SparseVector(indices=[1, 10], values=[1.0, 1.0])
    assert [record.id for record in records] == [IDS[0]]
    assert records[0].vector == {"dense": [1.0, 0.0], "sparse": sparse}
    assert records[0].payload is None


async def test_points_go_by_id_and_by_filter(client: AsyncQdrantClient, filled: str) -> None:
    await client.delete(filled, models.PointIdsList(points=[IDS[0]]))
    await client.delete(filled, models.FilterSelector(filter=number(3)))
    assert await numbers(client, filled) == [1, 2, 4, 5]


async def test_counting_takes_nested_filters(client: AsyncQdrantClient, filled: str) -> None:
    high = models.FieldCondition(key="n", range=models.Range(gte=4))
    ids = models.HasIdCondition(has_id=[IDS[0], IDS[1]])
    none = models.IsEmptyCondition(is_empty=models.PayloadField(key="n"))
    inner = models.Filter(should=[high, ids, none])
    counted = await client.count(filled, count_filter=models.Filter(must_not=[inner]))
    assert counted.count == 2


async def test_payload_is_merged(client: AsyncQdrantClient, filled: str) -> None:
    await client.set_payload(filled, {"seen": True}, points=[IDS[1]])
    await client.set_payload(filled, {"seen": False}, points=number(2))
    records = await client.retrieve(filled, IDS[:3])
    assert [(record.payload or {}).get("seen") for record in records] == [None, True, False]
    assert [(record.payload or {})["n"] for record in records] == [0, 1, 2]


def with_number(point_id: str, n: int) -> models.PointStruct:
    return models.PointStruct(id=point_id, vector={"dense": [1.0, 1.0]}, payload={"n": n})


async def test_a_conditional_upsert_changes_only_points_that_match(
    client: AsyncQdrantClient, filled: str
) -> None:
    changed = [with_number(IDS[0], 100), with_number(IDS[1], 101)]
    await client.upsert(filled, changed, update_filter=number(1))
    assert await numbers(client, filled) == [0, 101, 2, 3, 4, 5]


async def test_upserts_can_be_limited_to_new_or_to_old_points(
    client: AsyncQdrantClient, filled: str
) -> None:
    absent = str(uuid.UUID(int=99))
    await client.upsert(
        filled,
        [with_number(IDS[0], 100), with_number(absent, 99)],
        update_mode=models.UpdateMode.INSERT_ONLY,
    )
    assert await numbers(client, filled) == [0, 1, 2, 3, 4, 5, 99]
    await client.upsert(
        filled,
        [with_number(IDS[0], 100), with_number(str(uuid.UUID(int=98)), 98)],
        update_mode=models.UpdateMode.UPDATE_ONLY,
    )
    assert await numbers(client, filled) == [100, 1, 2, 3, 4, 5, 99]


async def test_a_collection_with_one_unnamed_vector_works(client: AsyncQdrantClient) -> None:
    await client.create_collection("plain", VECTORS["dense"])
    await client.upsert("plain", [models.PointStruct(id=7, vector=[0.0, 1.0])])
    found = await client.query_points("plain", query=[0.0, 1.0], with_vectors=True)
    assert [(point.id, point.vector) for point in found.points] == [(7, [0.0, 1.0])]


# --- refusals -----------------------------------------------------------------


async def test_a_vector_of_another_length_is_refused(
    client: AsyncQdrantClient, filled: str
) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        await client.query_points(filled, query=[1.0], using="dense")
    assert caught.value.status_code == 400
    assert error_of(caught) == "Wrong input: Vector dimension error: expected dim: 2, got 1"
    with pytest.raises(UnexpectedResponse, match="expected dim: 2, got 3"):
        await client.upsert(filled, [models.PointStruct(id=1, vector={"dense": [1.0, 2.0, 3.0]})])


async def test_an_unknown_vector_name_is_refused(client: AsyncQdrantClient, filled: str) -> None:
    with pytest.raises(UnexpectedResponse, match="Not existing vector name error: other"):
        await client.query_points(filled, query=[1.0, 0.0], using="other")


@pytest.mark.parametrize("indices", [[1, 1], [1]])
async def test_a_broken_sparse_vector_is_refused(
    client: AsyncQdrantClient, filled: str, indices: list[int]
) -> None:
    broken = models.SparseVector(indices=indices, values=[1.0, 1.0])
    with pytest.raises(UnexpectedResponse) as caught:
        await client.upsert(filled, [models.PointStruct(id=1, vector={"sparse": broken})])
    assert caught.value.status_code == 422


async def test_what_is_not_supported_is_named(client: AsyncQdrantClient, filled: str) -> None:
    with pytest.raises(UnexpectedResponse, match="does not support the query RecommendQuery"):
        await client.query_points(
            filled,
            query=models.RecommendQuery(recommend=models.RecommendInput(positive=[IDS[0]])),
            using="dense",
        )
    with pytest.raises(UnexpectedResponse, match="`lookup_from` in QueryRequest"):
        await client.query_points(
            filled, query=[1.0, 0.0], lookup_from=models.LookupLocation(collection="other")
        )
    with pytest.raises(UnexpectedResponse, match="an index over anything but keywords"):
        await client.create_payload_index(filled, "n", models.PayloadSchemaType.INTEGER)
    with pytest.raises(UnexpectedResponse, match="`optimizers_config` in UpdateCollection"):
        await client.update_collection(filled, optimizers_config=models.OptimizersConfigDiff())
    with pytest.raises(
        UnexpectedResponse, match=f"does not support GET /collections/{filled}/snap"
    ):
        await client.list_snapshots(filled)


async def test_a_body_that_is_no_request_is_refused(url: str, filled: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        unreadable = await http.post(f"/collections/{filled}/points/count", content="{")
        unknown = await http.post(f"/collections/{filled}/points/count", json={"surprise": 1})
    assert unreadable.status_code == unknown.status_code == 400
    assert "surprise" in unknown.json()["status"]["error"]


async def test_the_key_is_asked_for_in_plain_text() -> None:
    with serve_in_thread(create_app(api_key="right")) as base_url:
        async with httpx.AsyncClient(base_url=base_url) as http:
            missing = await http.get("/collections")
            wrong = await http.get("/collections", headers={"api-key": "wrong"})
            right = await http.get("/collections", headers={"api-key": "right"})
    assert (missing.status_code, wrong.status_code, right.status_code) == (401, 401, 200)
    assert missing.text == "Must provide an API key or an Authorization bearer token"
    assert missing.headers["content-type"].startswith("text/plain")


# --- processes ----------------------------------------------------------------


@contextmanager
def running(*options: str, end: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """The emulator as a process of its own; `end` is what it gets at last."""
    command = [sys.executable, "-m", "emulators.qdrant", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as emulator:
        try:
            assert emulator.stdout is not None
            line = emulator.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert line.startswith("Qdrant (an emulator")
            assert address
            yield address[0]
        finally:
            emulator.send_signal(end)


async def test_a_process_serves_several_clients_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running("--api-key", "right") as base_url:
        headers = {"api-key": "right"}
        one = AsyncQdrantClient(url=base_url, headers=headers, check_compatibility=False)
        two = AsyncQdrantClient(url=base_url, headers=headers, check_compatibility=False)
        await one.create_collection("shared", VECTORS)
        await two.upsert("shared", [with_number(IDS[0], 1)])
        assert await numbers(one, "shared") == [1]
        await one.close()
        await two.close()
    assert not any(os.scandir(tmp_path))


async def test_a_folder_keeps_everything_though_the_process_is_killed(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path), end=signal.SIGKILL) as base_url:
        client = AsyncQdrantClient(url=base_url, check_compatibility=False)
        await client.create_collection("kept", VECTORS, metadata={"a": 1})
        await client.upsert("kept", [with_number(IDS[0], 7)])
        await client.update_collection_aliases([create_alias("alias", "kept")])
        await client.close()
    with running("--data-dir", str(tmp_path)) as base_url:
        client = AsyncQdrantClient(url=base_url, check_compatibility=False)
        assert await numbers(client, "alias") == [7]
        assert (await client.get_collection("kept")).config.metadata == {"a": 1}
        await client.close()


# --- faults -------------------------------------------------------------------


@contextmanager
def troubled(api_key: str | None = None) -> Iterator[tuple[str, State]]:
    app = create_app(api_key=api_key)
    with serve_in_thread(app) as base_url:
        yield base_url, app.state


def test_two_keys_are_valid_during_a_rotation() -> None:
    with troubled("old") as (base_url, state):

        def answer(key: str | None) -> tuple[int, str]:
            headers = {"api-key": key} if key else {}
            response = httpx.get(f"{base_url}/collections", headers=headers)
            return response.status_code, response.headers["content-type"]

        plain = "text/plain; charset=utf-8"
        assert answer("old")[0] == 200
        assert answer("new") == answer(None) == (401, plain)
        state.keys.valid = {"old", "new"}
        assert (answer("old")[0], answer("new")[0]) == (200, 200)
        state.keys.valid = {"new"}
        assert (answer("old")[0], answer("new")[0]) == (401, 200)


def test_calls_are_counted_by_the_name_of_their_route() -> None:
    with troubled("key") as (base_url, state):
        for path in ("", "collections", "collections/x", "nowhere"):
            httpx.get(f"{base_url}/{path}", headers={"api-key": "key"})
        assert state.faults.calls == {"version": 1, "list_collections": 1, "get_collection": 1}
        assert state.faults.places_of("key") == {"api-key"}


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        (trouble.FORBIDDEN, 403, "Forbidden: Global access is required"),
        (trouble.TIMED_OUT, 408, "Timeout: Operation 'Search' timed out after 2s"),
        (trouble.rate_limited(7), 429, "Rate limiting exceeded: Read rate limit exceeded"),
        (trouble.STORAGE_FULL, 507, "No space left on device"),
    ],
)
def test_a_refusal_has_the_servers_body(fault: Fault, status: int, error: str) -> None:
    with troubled() as (base_url, state):
        state.faults.add("get_collection", fault)
        response = httpx.get(f"{base_url}/collections/x")
    assert response.status_code == status
    assert error in response.json()["status"]["error"]
    assert response.headers.get("retry-after") == ("7" if status == 429 else None)


async def test_queries_and_reads_give_the_bad_points_that_are_planned() -> None:
    with troubled() as (base_url, state):
        client = AsyncQdrantClient(url=base_url, check_compatibility=False)
        await client.create_collection("c", VECTORS)
        vectors = {id_: {"dense": [1.0, n]} for n, id_ in enumerate(IDS, start=1)}
        points = [models.PointStruct(id=i, vector=v, payload={"n": 1}) for i, v in vectors.items()]
        await client.upsert("c", points)
        state.faults.add("query", trouble.bad_points(None, {"n": "x"}, spare=2))
        found = (await client.query_points("c", query=[1.0, 0.0], using="dense")).points
        assert [p.payload for p in found] == [*[{"n": 1}] * 2, None, {"n": "x"}, None, {"n": "x"}]
        state.faults.add("retrieve", trouble.bad_points(vector=None))
        read = await client.retrieve("c", IDS, with_vectors=True)
        assert {(record.vector, str(record.payload)) for record in read} == {(None, "{'n': 1}")}
        await client.close()
