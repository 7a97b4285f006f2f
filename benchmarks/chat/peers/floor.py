"""What plain HTTP takes: functions-framework and httpx2, no SDK, no check, no limit, no log."""

import functools
import json
import os
from collections.abc import AsyncIterator

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

_DATA = "data: "


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    """Stream an answer."""
    if request.method == "GET":
        return PlainTextResponse("ok")
    asked = await request.json()
    return StreamingResponse(_answer(asked["query"]), media_type="text/event-stream")


@functools.cache
def _client():  # type: ignore[no-untyped-def]  # noqa: ANN202 - its type is imported with it
    """The client, imported in the worker: the port is open before."""
    import httpx2  # noqa: PLC0415

    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000)
    key = {"x-goog-api-key": os.environ["GEMINI_API_KEY"]}
    return httpx2.AsyncClient(limits=limits, timeout=60, headers=key)


async def _answer(question: str) -> AsyncIterator[str]:
    vector = await _embedded(question)
    search = {"query": vector, "using": "dense", "limit": 5, "with_payload": True}
    place = f"{os.environ['QDRANT_URL']}/collections/docs/points/query"
    found = (await _client().post(place, json=search)).json()["result"]["points"]
    numbered = "\n\n".join(f"[{n}] {hit['payload']['text']}" for n, hit in enumerate(found, 1))
    said = [{"role": "user", "parts": [{"text": f"{numbered}\n\nQuestion: {question}"}]}]
    url = _gemini("gemini-3.8-flash:streamGenerateContent?alt=sse")
    async with _client().stream("POST", url, json={"contents": said}) as reply:
        async for line in reply.aiter_lines():
            if line.startswith(_DATA):
                yield _delta(json.loads(line[len(_DATA) :]))
    yield "data: [DONE]\n\n"


async def _embedded(question: str) -> list[float]:
    asked = {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": question}]},
        "outputDimensionality": 768,
    }
    url = _gemini("gemini-embedding-001:batchEmbedContents")
    reply = (await _client().post(url, json={"requests": [asked]})).json()
    values: list[float] = reply["embeddings"][0]["values"]
    return values


def _gemini(call: str) -> str:
    return f"{os.environ['GEMINI_BASE_URL']}/v1/models/{call}"


def _delta(chunk: dict[str, list[dict[str, dict[str, list[dict[str, str]]]]]]) -> str:
    text = chunk["candidates"][0]["content"]["parts"][0]["text"]
    return f"data: {json.dumps({'type': 'text-delta', 'delta': text})}\n\n"
