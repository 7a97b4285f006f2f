"""The requests that docchat fills in, against those that google-genai makes and sends itself."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import types
from pydantic import SecretStr

from docchat.core.models import Prompt, Role, Turn
from docchat.providers.gemini import Gemini
from docchat.providers.gemini_requests import RequestBuilder
from tests.providers.scripted_gemini import (
    KEY,
    Script,
    Upstream,
    chunk,
    connected,
    reply,
    said,
    scripted,
    stream,
)

TEXT = 'say "hé" \\ and\n\ttab 😀 \u2028 end'
VECTOR = reply({"embeddings": [{"values": [1.0]}]})
VECTORS = reply({"embeddings": [{"values": [1.0]}] * 2})
ANSWER = stream(chunk("x", "STOP"))
MODELS = reply({"name": "models/any"})
EMBEDDER, GENERATOR = "gemini-embedding-001", "gemini-3.8-flash"

Call = Callable[[Any], Awaitable[object]]


def a_content(text: str, role: str = "user") -> types.Content:
    return types.Content(role=role, parts=[types.Part(text=text)])


def sdk_embeds(model: str, task: str | None, *texts: str) -> Call:
    config = types.EmbedContentConfig(task_type=task, output_dimensionality=1)

    async def ask(client: genai.Client) -> None:
        contents = [a_content(text) for text in texts]
        await client.aio.models.embed_content(model=model, contents=contents, config=config)

    return ask


async def sdk_answers(client: genai.Client) -> None:
    thinking = types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
    answered = await client.aio.models.generate_content_stream(
        model=GENERATOR,
        contents=[a_content(TEXT), a_content("so?", "model"), a_content("and?")],
        config=types.GenerateContentConfig(
            system_instruction=TEXT, max_output_tokens=2048, thinking_config=thinking
        ),
    )
    async for _ in answered:
        pass


async def sdk_looks(client: genai.Client) -> None:
    for name in (EMBEDDER, GENERATOR):
        await client.aio.models.get(model=name)


async def docchat_answers(gemini: Gemini) -> None:
    turns = (Turn(Role.USER, TEXT), Turn(Role.ASSISTANT, "so?"), Turn(Role.USER, "and?"))
    await said(gemini, Prompt(TEXT, turns))


@pytest.mark.parametrize(
    ("script", "by_sdk", "by_docchat", "embedder"),
    [
        pytest.param(
            VECTOR,
            sdk_embeds(EMBEDDER, "RETRIEVAL_QUERY", TEXT),
            lambda gemini: gemini.embed_query(TEXT),
            EMBEDDER,
            id="question",
        ),
        pytest.param(
            VECTORS,
            sdk_embeds(EMBEDDER, "RETRIEVAL_DOCUMENT", TEXT, "another"),
            lambda gemini: gemini.embed_documents([TEXT, "another"]),
            EMBEDDER,
            id="documents",
        ),
        pytest.param(
            VECTORS,
            sdk_embeds(
                "gemini-embedding-2", None, "title: none | text: a", "title: none | text: b"
            ),
            lambda gemini: gemini.embed_documents(["a", "b"]),
            "gemini-embedding-2",
            id="documents, instructed",
        ),
        pytest.param(ANSWER, sdk_answers, docchat_answers, EMBEDDER, id="answer"),
        pytest.param(
            MODELS, sdk_looks, lambda gemini: gemini.check_models(), EMBEDDER, id="models"
        ),
    ],
)
async def test_what_is_sent_is_what_the_sdk_would_send(
    script: Script, by_sdk: Call, by_docchat: Call, embedder: str
) -> None:
    async with scripted(script) as upstream, httpx2.AsyncClient() as http:
        options = types.HttpOptions(base_url=upstream.url, httpx_async_client=http)
        await by_sdk(genai.Client(vertexai=False, api_key=KEY, http_options=options))
        wanted = taken(upstream)
        async with connected(upstream.url, embedding_model=embedder, dimension=1) as gemini:
            await by_docchat(gemini)
        assert taken(upstream) == wanted


def taken(upstream: Upstream) -> list[tuple[set[str], Any]]:
    """What came in since the last look, whatever the order of headers and fields."""
    heads = [{_spelled(line) for line in head.split("\r\n")} for head in upstream.heads]
    pairs = [
        ({line for line in head if not line.startswith("content-length:")}, body)
        for head, body in zip(heads, upstream.bodies, strict=True)
    ]
    upstream.heads.clear()
    upstream.bodies.clear()
    return sorted(pairs, key=lambda pair: sorted(pair[0]))


def _spelled(line: str) -> str:
    """The line of a head; the names of headers are the same in capitals."""
    name, colon, value = line.partition(": ")
    return name.lower() + colon + value if colon else line


async def test_to_build_a_request_sends_nothing() -> None:
    async with scripted(MODELS) as upstream:
        build = RequestBuilder(SecretStr(KEY), upstream.url)
        build.embedding(EMBEDDER, "RETRIEVAL_QUERY", 768)
        build.answer(GENERATOR, 2048)
        build.model(GENERATOR)
        assert not upstream.heads


def test_a_blank_does_not_show_the_key() -> None:
    blank = RequestBuilder(SecretStr(KEY), None).model(GENERATOR)
    assert KEY not in repr(blank)
    assert blank.headers["x-goog-api-key"] == KEY
