import json
import time
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.chat.ground import upstream
from benchmarks.chat.upstream import DIMENSION, said
from docchat.core.models import Prompt, Role, Turn
from docchat.providers.gemini import Gemini
from emulators.server import serve_in_thread


async def numbered(request: Request) -> Response:
    """Another reply each time."""
    request.app.state.asked = getattr(request.app.state, "asked", 0) + 1
    return JSONResponse({"result": request.app.state.asked})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    behind = Starlette(routes=[Route("/{path:path}", numbered, methods=["POST"])])
    with (
        serve_in_thread(behind) as qdrant,
        upstream(qdrant, tmp_path_factory.mktemp("upstream") / "log") as served,
    ):
        yield served


async def test_google_genai_takes_the_replies_for_geminis(url: str) -> None:
    gemini = Gemini(
        SecretStr("bench"),
        embedding_model="gemini-embedding-001",
        generative_model="gemini-3.8-flash",
        base_url=url,
    )
    prompt = Prompt("Answer.", (Turn(Role.USER, "What happens?"),))
    pieces = [piece async for piece in gemini.stream(prompt)]
    vectors = await gemini.embed_documents(["one", "two"])
    await gemini.check_models()
    await gemini.aclose()
    assert "".join(piece.text for piece in pieces) == "".join(said())
    assert [len(vector) for vector in vectors] == [DIMENSION, DIMENSION]


def test_the_pieces_come_at_the_pace_that_was_set(url: str) -> None:
    pace = {"first_s": 0.2, "gap_s": 0.01}
    httpx.post(f"{url}/pace", json=pace).raise_for_status()
    began, place = time.perf_counter(), "/v1/models/gemini-3.8-flash:streamGenerateContent"
    with httpx.stream("POST", url + place, json={"contents": []}) as reply:
        pieces = reply.iter_raw()
        next(pieces)
        first_s = time.perf_counter() - began
        assert len(list(pieces)) == len(said()) - 1 == 19
    whole_s = time.perf_counter() - began
    httpx.post(f"{url}/pace", json={}).raise_for_status()
    assert first_s >= pace["first_s"]
    assert whole_s >= pace["first_s"] + 19 * pace["gap_s"]


def test_qdrant_is_asked_once_for_each_kind_of_search(url: str) -> None:
    def searched(vector: list[float], limit: int) -> object:
        body = json.dumps({"query": vector, "limit": limit})
        return httpx.post(f"{url}/collections/docs/points/query", content=body).json()

    first = searched([0.1], 5)
    assert searched([0.2], 5) == first
    assert searched([0.1], 50) != first
