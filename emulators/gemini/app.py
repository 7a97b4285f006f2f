"""The part of the Gemini API that google-genai asks for, over HTTP."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from emulators.faults import Faults, Faulty, named
from emulators.gemini.chunks import Json, text_of, whole
from emulators.gemini.embedding import FULL_DIMENSION, embed
from emulators.gemini.generation import count_tokens
from emulators.gemini.models import METHODS, description
from emulators.gemini.script import EMBEDDING, GENERATION, Embeddings, Script, script_of
from emulators.gemini.stats import Keys, Stats
from emulators.google_errors import GoogleError, error_response, invalid_argument, not_found

_MOST_TEXTS = 100
_PATH = re.compile(r"/(?:v1|v1beta)/models(?P<one>/[^/:]+(?::(?P<method>\w+))?)?")


def create_app(api_keys: Collection[str] | None = None, *, delay_s: float = 0.0) -> Starlette:
    """A Gemini API without a model.

    Its state: `stats` counts what it was asked, `faults` is the plan of what goes wrong (methods:
    `batchEmbedContents`, `streamGenerateContent`, `models.get`, …), `keys.valid` can be changed.

    Args:
        api_keys: the keys that are valid; None accepts every key that is not empty.
        delay_s: pause before each streamed piece, in seconds.
    """
    faults = Faults()
    api = _Api(Keys(api_keys), Stats(faults.calls), delay_s)
    app = Starlette(
        routes=[
            Route("/_emulator/stats", api.show_stats),
            Route("/{version}/models", api.list_models),
            Route("/{version}/models/{model}", api.get_model),
            Route("/{version}/models/{target}", api.call, methods=["POST"]),
        ],
        exception_handlers={GoogleError: error_response},
        middleware=[Middleware(Faulty, faults=faults, method_of=_method)],
    )
    app.state.stats, app.state.faults, app.state.keys = api.stats, faults, api.keys
    return app


def _method(scope: Scope) -> str:
    """As the API's reference names it."""
    match = _PATH.fullmatch(scope["path"])
    if match is None:
        return ""
    return match["method"] or ("models.get" if match["one"] else "models.list")


class _Api:
    def __init__(self, keys: Keys, stats: Stats, delay_s: float) -> None:
        self.keys = keys
        self.stats = stats
        self._delay_s = delay_s
        self._methods: dict[str, Callable[[Request, str, Json], Response]] = {
            "batchEmbedContents": self._batch_embed,
            "embedContent": self._embed,
            "countTokens": self._count_tokens,
            "generateContent": self._generate,
            "streamGenerateContent": self._stream,
        }

    async def show_stats(self, _request: Request) -> Response:
        return JSONResponse(vars(self.stats))

    async def list_models(self, request: Request) -> Response:
        self._admit(request)
        return JSONResponse({"models": [description(model) for model in METHODS]})

    async def get_model(self, request: Request) -> Response:
        self._admit(request)
        model = request.path_params["model"]
        if model not in METHODS:
            raise not_found(f"models/{model} is not found for API version v1.")
        return JSONResponse(description(model))

    async def call(self, request: Request) -> Response:
        model, _, method = request.path_params["target"].partition(":")
        self._admit(request)
        if method not in METHODS.get(model, ()):
            raise not_found(f"models/{model} is not found, or is not supported for {method}.")
        body = _object(await request.body())
        try:
            return self._methods[method](request, model, body)
        except (KeyError, TypeError, AttributeError, IndexError) as exc:
            raise invalid_argument("Invalid JSON payload received.") from exc

    def _admit(self, request: Request) -> None:
        if not _method(request.scope):
            raise not_found("Requested entity was not found.")
        key = request.headers.get("x-goog-api-key", "")
        if not key:
            why = "Method doesn't allow unregistered callers."
            raise GoogleError(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", why)
        if key not in self.keys:
            raise invalid_argument("API key not valid.", reason="API_KEY_INVALID")

    def _batch_embed(self, request: Request, _model: str, body: Json) -> Response:
        requests = body["requests"]
        if len(requests) > _MOST_TEXTS:
            raise invalid_argument(f"at most {_MOST_TEXTS} requests can be in one batch")
        vectors = [self._vector(one) for one in requests]
        spoilt = named(request, EMBEDDING)
        if spoilt is not None:
            text = Embeddings.model_validate(spoilt).spoilt(vectors)
            return Response(text, media_type="application/json")
        return JSONResponse({"embeddings": [{"values": vector} for vector in vectors]})

    def _embed(self, _request: Request, _model: str, body: Json) -> Response:
        return JSONResponse({"embedding": {"values": self._vector(body)}})

    def _vector(self, request: Json) -> list[float]:
        dimension = request.get("outputDimensionality") or FULL_DIMENSION
        if not 1 <= dimension <= FULL_DIMENSION:
            raise invalid_argument(f"outputDimensionality must be 1 to {FULL_DIMENSION}")
        self.stats.texts_embedded += 1
        return embed(text_of(request["content"]), dimension)

    def _count_tokens(self, _request: Request, _model: str, body: Json) -> Response:
        total = sum(count_tokens(text_of(content)) for content in body["contents"])
        return JSONResponse({"totalTokens": total})

    def _generate(self, request: Request, model: str, body: Json) -> Response:
        return JSONResponse(whole(_script(request).played(model, body)))

    def _stream(self, request: Request, model: str, body: Json) -> Response:
        pieces = _script(request).stream(model, body)
        return _Stream(self._paced(pieces), self.stats)

    async def _paced(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        for piece in pieces:
            await asyncio.sleep(self._delay_s)
            yield piece


class _Stream(StreamingResponse):
    """Counted until the last byte is sent or the client has gone, whatever it waits for then."""

    def __init__(self, body: AsyncIterator[bytes], stats: Stats) -> None:
        super().__init__(body, media_type="text/event-stream")
        self._stats = stats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._stats.stream():
            await super().__call__(scope, receive, send)


def _script(request: Request) -> Script:
    return script_of(named(request, GENERATION))


def _object(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise invalid_argument("Invalid JSON payload received.") from exc
    if not isinstance(value, dict):
        raise invalid_argument("Invalid JSON payload received.")
    return value
