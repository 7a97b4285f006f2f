"""The part of the Gemini API that google-genai asks for, over HTTP."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from emulators.gemini.embedding import FULL_DIMENSION, embed
from emulators.gemini.generation import count_tokens, generate
from emulators.gemini.models import METHODS, description
from emulators.google_errors import GoogleError, error_response, invalid_argument, not_found

Json = dict[str, Any]

_VERSIONS = frozenset({"v1", "v1beta"})
_MOST_TEXTS = 100


@dataclass
class Stats:
    """What was asked of the emulator since it started."""

    calls: Counter[str] = field(default_factory=Counter)
    texts_embedded: int = 0
    open_streams: int = 0
    max_open_streams: int = 0

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Counts as an open stream for the length of the block."""
        self.open_streams += 1
        self.max_open_streams = max(self.max_open_streams, self.open_streams)
        try:
            yield
        finally:
            self.open_streams -= 1


def create_app(api_keys: Collection[str] | None = None, *, delay_s: float = 0.0) -> Starlette:
    """A Gemini API without a model; `app.state.stats` counts what it was asked.

    Args:
        api_keys: the keys that are valid; None accepts every key that is not empty.
        delay_s: pause before each streamed piece, in seconds.
    """
    api = _Api(api_keys, delay_s)
    app = Starlette(
        routes=[
            Route("/_emulator/stats", api.show_stats),
            Route("/{version}/models", api.list_models),
            Route("/{version}/models/{model}", api.get_model),
            Route("/{version}/models/{target}", api.call, methods=["POST"]),
        ],
        exception_handlers={GoogleError: error_response},
    )
    app.state.stats = api.stats
    return app


class _Api:
    def __init__(self, api_keys: Collection[str] | None, delay_s: float) -> None:
        self.stats = Stats()
        self._api_keys = api_keys
        self._delay_s = delay_s
        self._methods: dict[str, Callable[[str, Json], Response]] = {
            "batchEmbedContents": self._batch_embed,
            "embedContent": self._embed,
            "countTokens": self._count_tokens,
            "generateContent": self._generate,
            "streamGenerateContent": self._stream,
        }

    async def show_stats(self, _request: Request) -> Response:
        return JSONResponse(vars(self.stats))

    async def list_models(self, request: Request) -> Response:
        self._admit(request, "models.list")
        return JSONResponse({"models": [description(model) for model in METHODS]})

    async def get_model(self, request: Request) -> Response:
        self._admit(request, "models.get")
        model = request.path_params["model"]
        if model not in METHODS:
            raise not_found(f"models/{model} is not found for API version v1.")
        return JSONResponse(description(model))

    async def call(self, request: Request) -> Response:
        model, _, method = request.path_params["target"].partition(":")
        self._admit(request, method)
        if method not in METHODS.get(model, ()):
            raise not_found(f"models/{model} is not found, or is not supported for {method}.")
        body = _object(await request.body())
        try:
            return self._methods[method](model, body)
        except (KeyError, TypeError, AttributeError, IndexError) as exc:
            raise invalid_argument("Invalid JSON payload received.") from exc

    def _admit(self, request: Request, method: str) -> None:
        if request.path_params["version"] not in _VERSIONS:
            raise not_found("Requested entity was not found.")
        self.stats.calls[method] += 1
        key = request.headers.get("x-goog-api-key", "")
        if not key:
            why = "Method doesn't allow unregistered callers."
            raise GoogleError(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", why)
        if self._api_keys is not None and key not in self._api_keys:
            raise invalid_argument("API key not valid.", reason="API_KEY_INVALID")

    def _batch_embed(self, _model: str, body: Json) -> Response:
        requests = body["requests"]
        if len(requests) > _MOST_TEXTS:
            raise invalid_argument(f"at most {_MOST_TEXTS} requests can be in one batch")
        return JSONResponse({"embeddings": [self._embedding(one) for one in requests]})

    def _embed(self, _model: str, body: Json) -> Response:
        return JSONResponse({"embedding": self._embedding(body)})

    def _embedding(self, request: Json) -> Json:
        dimension = request.get("outputDimensionality") or FULL_DIMENSION
        if not 1 <= dimension <= FULL_DIMENSION:
            raise invalid_argument(f"outputDimensionality must be 1 to {FULL_DIMENSION}")
        self.stats.texts_embedded += 1
        return {"values": embed(_text(request["content"]), dimension)}

    def _count_tokens(self, _model: str, body: Json) -> Response:
        return JSONResponse({"totalTokens": sum(count_tokens(_text(c)) for c in body["contents"])})

    def _generate(self, model: str, body: Json) -> Response:
        *_, last = chunks = _chunks(model, body)
        said = "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks)
        last["candidates"][0]["content"]["parts"] = [{"text": said}]
        return JSONResponse(last)

    def _stream(self, model: str, body: Json) -> Response:
        chunks = _chunks(model, body)
        return StreamingResponse(self._events(chunks), media_type="text/event-stream")

    async def _events(self, chunks: list[Json]) -> AsyncIterator[str]:
        with self.stats.stream():
            for chunk in chunks:
                await asyncio.sleep(self._delay_s)
                yield f"data: {json.dumps(chunk)}\r\n\r\n"


def _chunks(model: str, body: Json) -> list[Json]:
    """The answer as a list of response bodies; usage on each, the finish reason on the last."""
    contents = [*body["contents"], body.get("systemInstruction") or {"parts": []}]
    asked = sum(count_tokens(_text(content)) for content in contents)
    most = (body.get("generationConfig") or {}).get("maxOutputTokens")
    said, finish = generate(_text(body["contents"][-1]), most)
    chunks = [_chunk(model, asked, said[: i + 1]) for i in range(len(said))]
    chunks[-1]["candidates"][0]["finishReason"] = finish
    return chunks


def _chunk(model: str, asked: int, said: list[str]) -> Json:
    answered = count_tokens("".join(said))
    content = {"role": "model", "parts": [{"text": said[-1]}]}
    return {
        "candidates": [{"content": content, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": asked,
            "candidatesTokenCount": answered,
            "totalTokenCount": asked + answered,
        },
        "modelVersion": model,
    }


def _text(content: Json) -> str:
    return "".join(part.get("text", "") for part in content["parts"])


def _object(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise invalid_argument("Invalid JSON payload received.") from exc
    if not isinstance(value, dict):
        raise invalid_argument("Invalid JSON payload received.")
    return value
