import asyncio
import math
from collections.abc import Iterator

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from docchat.errors import AssistantUnavailable, Misconfigured, UpstreamBadResponse
from docchat.providers.gemini import EMBED_BATCH, Gemini
from emulators.gemini import create_app
from emulators.server import serve_in_thread
from tests.providers.scripted_gemini import KEY, connected, reply, talking


@pytest.fixture
def app() -> Starlette:
    return create_app([KEY])


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    with serve_in_thread(app) as url:
        yield url


async def test_vectors_have_unit_length_though_the_api_sends_others(url: str) -> None:
    async with connected(url) as gemini, httpx2.AsyncClient() as http:
        vectors = await gemini.embed_documents(["a text", "another"])
        raw = await http.post(
            f"{url}/v1/models/gemini-embedding-001:embedContent",
            json={"content": {"parts": [{"text": "a text"}]}, "outputDimensionality": 768},
            headers={"x-goog-api-key": KEY},
        )
    assert math.hypot(*raw.json()["embedding"]["values"]) == pytest.approx(0.5, abs=1e-4)
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0, 1.0])
    assert [len(vector) for vector in vectors] == [768, 768]


async def test_vectors_have_the_dimension_that_was_asked_for(url: str) -> None:
    async with connected(url, dimension=128) as gemini:
        assert len(await gemini.embed_query("a question")) == 128


async def test_each_text_has_a_vector_of_its_own_in_order(url: str) -> None:
    texts = [f"text number {n}" for n in range(EMBED_BATCH)]
    async with connected(url) as gemini:
        together = await gemini.embed_documents(texts)
        alone = [(await gemini.embed_documents([texts[n]]))[0] for n in (0, 57, 99)]
    assert len(together) == EMBED_BATCH
    assert [together[n] for n in (0, 57, 99)] == alone


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
async def test_texts_are_sent_one_by_one(app: Starlette, url: str, model: str) -> None:
    async with connected(url, embedding_model=model) as gemini:
        assert len(await gemini.embed_documents(["a", "b", "c"])) == 3
    assert app.state.stats.texts_embedded == 3
    assert app.state.stats.calls == {"batchEmbedContents": 1}


async def test_no_texts_make_no_call(app: Starlette, url: str) -> None:
    async with connected(url) as gemini:
        assert await gemini.embed_documents([]) == []
    assert not app.state.stats.calls


async def test_more_texts_than_a_batch_are_refused_before_a_call(app: Starlette, url: str) -> None:
    async with connected(url) as gemini:
        with pytest.raises(ValueError, match="101 texts"):
            await gemini.embed_documents(["a"] * (EMBED_BATCH + 1))
    assert not app.state.stats.calls


async def test_questions_and_documents_are_embedded_for_their_task() -> None:
    async with talking(reply({"embeddings": [{"values": [3.0, 4.0]}]}), dimension=2) as (
        upstream,
        gemini,
    ):
        assert await gemini.embed_query("q") == [0.6, 0.8]
        await gemini.embed_documents(["d"])
    sent = [body["requests"][0] for body in upstream.bodies]
    assert [one["taskType"] for one in sent] == ["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"]
    assert [one["content"]["parts"] for one in sent] == [[{"text": "q"}], [{"text": "d"}]]
    assert [one["outputDimensionality"] for one in sent] == [2, 2]


async def test_gemini_embedding_2_gets_its_task_in_the_text() -> None:
    script = reply({"embeddings": [{"values": [1.0]}]})
    options = {"dimension": 1, "embedding_model": "gemini-embedding-2"}
    async with talking(script, **options) as (upstream, gemini):
        await gemini.embed_query("q")
        await gemini.embed_documents(["d"])
    sent = [body["requests"][0] for body in upstream.bodies]
    texts = [one["content"]["parts"][0]["text"] for one in sent]
    assert texts == ["task: search result | query: q", "title: none | text: d"]
    assert not any("taskType" in one for one in sent)


@pytest.mark.parametrize(
    "body",
    [
        b'{"embeddings": []}',
        b"{}",
        b'{"embeddings": [{"values": [1, 2]}, {"values": [1, 2]}]}',
        b'{"embeddings": [{"values": [1, 2, 3]}]}',
        b'{"embeddings": [{}]}',
        b'{"embeddings": [{"values": [0, 0]}]}',
        b'{"embeddings": [{"values": [1, NaN]}]}',
        b'{"embeddings": [{"values": [1, Infinity]}]}',
        b'{"embeddings": [{"values": [1, 1%s]}]}' % (b"0" * 400),
        b'{"embeddings": [{"values": "many"}]}',
        b'{"embeddings": 5}',
        b"[]",
        b"5",
        b"<html>hello</html>",
    ],
)
async def test_vectors_that_cannot_be_used_are_refused(body: bytes) -> None:
    async with talking(reply(body), dimension=2) as (_, gemini):
        with pytest.raises(UpstreamBadResponse):
            await gemini.embed_query("q")


@pytest.mark.parametrize("body", [b"{}", b'{"embeddings": []}', b'{"embeddings": [{}]}'])
async def test_a_reply_without_a_vector_is_paid_for_and_asked_for_once_more(body: bytes) -> None:
    async with talking(reply(body), dimension=2) as (_, gemini):
        with pytest.raises(UpstreamBadResponse) as caught:
            await gemini.embed_query("q")
    assert caught.value.retries == 1


@pytest.mark.parametrize("name", ["embedding_model", "generative_model"])
@pytest.mark.parametrize("model", ["", "models/", "a/../b", "a?b", "a&b"])
async def test_what_is_no_model_name_is_refused_with_the_variables_to_set(
    name: str, model: str
) -> None:
    with pytest.raises(Misconfigured, match="EMBEDDING_MODEL"):
        async with connected("http://127.0.0.1:9", **{name: model}):
            pass


async def test_requests_carry_the_key_in_a_header_and_no_limit_for_the_server() -> None:
    async with talking(reply({"embeddings": [{"values": [1.0]}]}), dimension=1) as (
        upstream,
        gemini,
    ):
        await gemini.embed_query("q")
    request_line, _, headers = upstream.heads[0].partition("\r\n")
    assert KEY not in request_line
    assert f"x-goog-api-key: {KEY}" in headers
    assert "x-server-timeout" not in headers.lower()


async def test_both_models_are_looked_up(app: Starlette, url: str) -> None:
    async with connected(url) as gemini:
        await gemini.check_models()
    assert app.state.stats.calls == {"models.get": 2}


@pytest.mark.parametrize("name", ["embedding_model", "generative_model"])
async def test_a_model_that_does_not_exist_is_found_missing(url: str, name: str) -> None:
    async with connected(url, **{name: "gemini-1.0-gone"}) as gemini:
        with pytest.raises(AssistantUnavailable) as caught:
            await gemini.check_models()
    assert caught.value.reason == "model-missing"


async def test_a_key_that_is_not_valid_is_found_refused() -> None:
    with serve_in_thread(create_app(["another key"])) as url:
        async with connected(url) as gemini:
            with pytest.raises(AssistantUnavailable) as caught:
                await gemini.check_models()
    assert caught.value.reason == "key-refused"


@pytest.mark.parametrize("key", ["", " ", "two words", "two\nlines", "kéy"])
def test_a_key_that_no_header_can_carry_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Gemini(SecretStr(key), embedding_model="e", generative_model="g")
    assert not key.strip() or key not in str(caught.value)


async def test_calls_run_at_the_same_time(url: str) -> None:
    # Fifty connections at once take seconds on a machine that is busy with other tests.
    async with connected(url, timeouts=httpx2.Timeout(60)) as gemini:
        vectors = await asyncio.gather(*(gemini.embed_query(f"question {n}") for n in range(50)))
    assert len({tuple(vector) for vector in vectors}) == 50
