"""Gemini: embeddings, streamed answers, and a look at both models.

google-genai builds the requests, docchat sends them: on a transport, limits and time-outs that
are chosen here.
"""

import asyncio
import functools
import json
import math
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
from google.genai import errors
from pydantic import SecretStr

from docchat.core.models import Piece, Prompt, Role, Vector
from docchat.errors import UpstreamBadResponse
from docchat.providers.gemini_errors import translated
from docchat.providers.gemini_requests import Blank, RequestBuilder, content
from docchat.providers.gemini_stream import pieces_of
from docchat.tls import trusted

EMBED_BATCH = 100
"""Texts in one embedding call; the API refuses more."""

POOL = 1000
"""Connections. Each open stream holds one: of 500 streams over httpx2's own 100 connections,
the slowest waited 30 s for its first piece."""

TIMEOUTS = httpx2.Timeout(connect=3.0, read=60.0, write=10.0, pool=3.0)
"""Seconds. An answer's own, shorter limits are `docchat.deadlines`'; `read` is for the indexer."""

_IDLE = 20  # connections that are kept open: with every request, the pool looks at each of them

_INSTRUCTED_EMBEDDER = "gemini-embedding-2"
_QUERY, _DOCUMENT = "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"

_ROLES = {Role.USER: "user", Role.ASSISTANT: "model"}


class Gemini:
    """One key, one embedding model, one generative model. Every call may be made concurrently.

    Every method raises a `ServiceError` of docchat.errors, and nothing of the SDK's. Nothing is
    retried here.

    Raises:
        Misconfigured: the key cannot be a key, or a model's name no name.
    """

    def __init__(
        self,
        api_key: SecretStr,
        *,
        embedding_model: str,
        generative_model: str,
        dimension: int = 768,
        max_output_tokens: int = 2048,
        base_url: str | None = None,
        timeouts: httpx2.Timeout = TIMEOUTS,
    ) -> None:
        self._embedding_model = embedding_model.removeprefix("models/")
        self._generative_model = generative_model.removeprefix("models/")
        self._instructed = self._embedding_model.startswith(_INSTRUCTED_EMBEDDER)
        self._dimension = dimension
        self._build = RequestBuilder(api_key, base_url)
        self._query = self._embedding(_QUERY)
        self._answer = self._build.answer(self._generative_model, max_output_tokens)
        self._extensions = {"timeout": timeouts.as_dict()}
        limits = httpx2.Limits(max_connections=POOL, max_keepalive_connections=_IDLE)
        self._http = httpx2.AsyncClient(verify=trusted(), limits=limits, timeout=timeouts)

    async def embed_query(self, text: str) -> Vector:
        """The question's vector, of unit length."""
        return (await self._embed([text], self._query, _QUERY))[0]

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in order, of unit length.

        Raises:
            ValueError: more than `EMBED_BATCH` texts.
            ServiceError: there are no usable vectors for the whole batch.
        """
        if len(texts) > EMBED_BATCH:
            raise ValueError(f"{len(texts)} texts in one call; at most {EMBED_BATCH}")
        return await self._embed(texts, self._document, _DOCUMENT) if texts else []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Pieces as they arrive; the last one has the finish reason and the usage.

        Closing the generator closes the connection to Gemini.

        Raises:
            UpstreamTruncated: the stream broke off, or ended for no reason that we know.
            ServiceError: any other failure, before or between pieces.
        """
        said = [content(turn.text, _ROLES[turn.role]) for turn in prompt.turns]
        texts = {"contents": said, "systemInstruction": content(prompt.system)}
        with translated():
            reply = await self._send(self._answer, texts, stream=True)
        async with aclosing(pieces_of(reply)) as pieces:
            async for piece in pieces:
                yield piece

    async def check_models(self) -> None:
        """Returns when the key is good and both models exist.

        Raises:
            AssistantUnavailable: `reason` is `key-refused` or `model-missing`.
            ServiceError: Gemini could not be asked.
        """
        looks = map(self._build.model, (self._embedding_model, self._generative_model))
        found = await asyncio.gather(*map(self._look, looks), return_exceptions=True)
        for result in found:
            if isinstance(result, BaseException):
                raise result

    async def aclose(self) -> None:
        """Close the connections. Streams that are still open break."""
        await self._http.aclose()

    @functools.cached_property
    def _document(self) -> Blank:
        return self._embedding(_DOCUMENT)  # only the indexer asks for it

    def _embedding(self, task: str) -> Blank:
        told = None if self._instructed else task
        return self._build.embedding(self._embedding_model, told, self._dimension)

    async def _look(self, model: Blank) -> None:
        with translated():
            reply = await self._send(model, {})
            json.loads(reply.content)  # else it was somebody else who answered

    async def _embed(self, texts: Sequence[str], blank: Blank, task: str) -> list[Vector]:
        (one,) = blank.fields["requests"]
        given = [_instructed(text, task) if self._instructed else text for text in texts]
        with translated():
            batch = {"requests": [{**one, "content": content(text)} for text in given]}
            reply = await self._send(blank, batch)
            found = [_unit(values, self._dimension) for values in _values(reply.content)]
        if len(found) != len(texts):
            raise _unusable(f"{len(found)} embeddings for {len(texts)} texts")
        return found

    async def _send(
        self, blank: Blank, texts: Mapping[str, object], *, stream: bool = False
    ) -> httpx2.Response:
        """The reply; whoever asks for a stream reads and closes it.

        Raises:
            APIError: any status but 200.
        """
        body = json.dumps({**blank.fields, **texts}).encode() if texts else None
        # Its headers are whole; the client's own way would merge them with its own once more.
        request = httpx2.Request(
            blank.method,
            blank.url,
            headers=blank.headers,
            content=body,
            extensions=self._extensions,
        )
        reply = await self._http.send(request, stream=stream)
        try:
            await errors.APIError.raise_for_async_response(reply)
        except BaseException:
            await reply.aclose()
            raise
        return reply


def _instructed(text: str, task: str) -> str:
    """The task inside the text, where the model does not take a task type.

    Source: the Gemini API's guide to embeddings, on gemini-embedding-2.
    """
    return (
        f"task: search result | query: {text}" if task == _QUERY else f"title: none | text: {text}"
    )


def _values(reply: bytes) -> Iterable[Sequence[float]]:
    # An empty list is left out.
    embeddings: list[dict[str, Any]] = json.loads(reply).get("embeddings") or []
    return (embedding.get("values") or [] for embedding in embeddings)


def _unit(values: Sequence[float], dimension: int) -> Vector:
    """Scaled to length 1: the API does it for 3072 dimensions only."""
    if len(values) != dimension:
        raise _unusable(f"an embedding of {len(values)} dimensions, not {dimension}")
    norm = math.hypot(*values)
    if not math.isfinite(norm) or norm == 0:
        raise _unusable("an embedding that is zero or not finite")
    return [value / norm for value in values]


def _unusable(what: str) -> UpstreamBadResponse:
    """Worth one more try: the call is paid for, and what is wrong with it seldom passes."""
    return UpstreamBadResponse(what, retries=1)
