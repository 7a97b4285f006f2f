"""The two calls that the chat makes, held against qdrant-client's own."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient, models
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from docchat.core.models import EVERYWHERE, Scope, SparseVector, Vector
from docchat.core.payload import CANDIDATES, DENSE, SPARSE, manifest_of, values_in
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_address import rest_address
from docchat.providers.qdrant_search import QdrantSearch
from emulators.qdrant import create_app
from emulators.server import serve_in_thread
from tests.providers.test_qdrant import MANIFEST, NORTH, TERMS, publish

NO_TERMS = SparseVector((), ())
SCOPES = [EVERYWHERE, Scope("2.0"), Scope("", "fr"), Scope("2.0", "fr")]
SENT_BY_ALL = ("host", "user-agent", "accept-encoding", "connection")  # as each library likes


class Recorder:
    """The emulator, behind something that keeps what it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[dict[str, Any]] = []


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    app = create_app()

    async def record(request: Request) -> Response:
        body = await request.body()
        headers = {k: v for k, v in request.headers.items() if k not in SENT_BY_ALL}
        headers.pop("content-length", None)  # without blanks it is shorter
        seen.requests.append(
            {
                "method": request.method,
                "path": request.url.path,
                "query": request.url.query,
                "headers": headers,
                "body": json.loads(body) if body else None,
            }
        )
        return _Forward(app, body)

    with serve_in_thread(Starlette(routes=[Route("/{p:path}", record, methods=METHODS)])) as url:
        seen = Recorder(url)
        yield seen


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class _Forward(Response):
    """Answers as the emulator does, with the body that was read already."""

    def __init__(self, app: Starlette, given: bytes) -> None:
        super().__init__()
        self._app, self._given = app, given

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": self._given, "more_body": False}

        del receive
        await self._app(scope, again, send)


@pytest.fixture
async def ours(recorder: Recorder) -> AsyncIterator[QdrantSearch]:
    index = QdrantIndex(recorder.url, None, "docs")
    if await index.manifest() is None:
        await publish(index)
    await index.aclose()
    search = QdrantSearch(recorder.url, None, "docs")
    recorder.requests.clear()
    yield search
    await search.aclose()


@pytest.fixture
async def theirs(recorder: Recorder) -> AsyncIterator[AsyncQdrantClient]:
    client = AsyncQdrantClient(url=recorder.url, check_compatibility=False)
    yield client
    await client.close()


@pytest.mark.parametrize("scope", SCOPES, ids=str)
@pytest.mark.parametrize("terms", [TERMS, NO_TERMS], ids=["terms", "no terms"])
async def test_a_search_is_qdrant_clients_own(
    recorder: Recorder,
    ours: QdrantSearch,
    theirs: AsyncQdrantClient,
    terms: SparseVector,
    scope: Scope,
) -> None:
    found = await ours.search(NORTH, terms, 7, scope)
    answers = await theirs.query_batch_points("docs", as_models(NORTH, terms, 7, scope))
    sent, wanted = recorder.requests
    assert sent == wanted
    hits, nearest = (answer.points for answer in answers)
    assert [(p.chunk.id, p.score) for p in found.passages] == [(str(h.id), h.score) for h in hits]
    assert found.best_cosine == nearest[0].score


async def test_the_manifest_is_read_as_qdrant_client_reads_it(
    recorder: Recorder, ours: QdrantSearch, theirs: AsyncQdrantClient
) -> None:
    read = await ours.manifest()
    info = await theirs.get_collection("docs")
    sent, wanted = recorder.requests
    assert sent == wanted
    assert read == MANIFEST == manifest_of(info.config.metadata)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:7333",
        "https://qdrant.example",
        "https://qdrant.example/",
        "https://qdrant.example:443/behind/a/proxy",
        "http://[::1]:6333",
    ],
)
async def test_the_address_is_the_one_that_qdrant_client_asks(url: str) -> None:
    client = AsyncQdrantClient(url=url, check_compatibility=False)
    assert rest_address(url) == client.http.client.host.rstrip("/")
    await client.close()


def as_models(
    dense: Vector, terms: SparseVector, limit: int, scope: Scope
) -> list[models.QueryRequest]:
    """The same two searches, as somebody writes them with qdrant-client."""
    conditions: list[models.Condition] = [
        models.FieldCondition(key=field, match=models.MatchAny(any=values))
        for field, values in values_in(scope).items()
    ]
    within = models.Filter(must=conditions) if conditions else None
    by_meaning = models.Prefetch(query=list(dense), using=DENSE, limit=CANDIDATES, filter=within)
    prefetch = [by_meaning]
    if terms.indices:
        sparse = models.SparseVector(indices=list(terms.indices), values=list(terms.values))
        by_terms = models.Prefetch(query=sparse, using=SPARSE, limit=CANDIDATES, filter=within)
        prefetch.append(by_terms)
    fused = models.QueryRequest(
        prefetch=prefetch,
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        limit=limit,
        with_payload=True,
    )
    return [fused, models.QueryRequest(query=list(dense), using=DENSE, limit=1, filter=within)]
