"""Gemini through google-genai: embeddings, streamed answers, and a look at both models."""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import httpx2
from google.genai import types
from pydantic import SecretStr

from docchat.core.models import Piece, Prompt, Role, Vector
from docchat.errors import UpstreamBadResponse
from docchat.providers.gemini_client import TIMEOUTS, connect, diverted
from docchat.providers.gemini_errors import translated
from docchat.providers.gemini_stream import pieces_of

EMBED_BATCH = 100
"""Texts in one embedding call; the API refuses more."""

_INSTRUCTED_EMBEDDER = "gemini-embedding-2"

_ROLES = {Role.USER: "user", Role.ASSISTANT: "model"}


class Gemini:
    """One key, one embedding model, one generative model. Every call may be made concurrently.

    Every method raises a `ServiceError` of docchat.errors, and nothing of the SDK's. Nothing is
    retried here.
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
        self._dimension = dimension
        self._max_output_tokens = max_output_tokens
        self._client, self._http = connect(api_key, base_url, timeouts)
        self._models = self._client.aio.models

    async def embed_query(self, text: str) -> Vector:
        """The question's vector, of unit length."""
        return (await self._embed([text], "RETRIEVAL_QUERY"))[0]

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in order, of unit length.

        Raises:
            ValueError: more than `EMBED_BATCH` texts.
            ServiceError: there are no usable vectors for the whole batch.
        """
        if len(texts) > EMBED_BATCH:
            raise ValueError(f"{len(texts)} texts in one call; at most {EMBED_BATCH}")
        return await self._embed(texts, "RETRIEVAL_DOCUMENT") if texts else []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Pieces as they arrive; the last one has the finish reason and the usage.

        Closing the generator closes the connection to Gemini.

        Raises:
            UpstreamTruncated: the stream broke off, or ended for no reason that we know.
            ServiceError: any other failure, before or between pieces.
        """
        with translated(), diverted() as streams:
            nothing = await self._models.generate_content_stream(
                model=self._generative_model,
                contents=[_content(turn.text, _ROLES[turn.role]) for turn in prompt.turns],
                config=self._generation_config(prompt.system),
            )
            async for _ in nothing:  # but only now is the request sent
                pass
        async with aclosing(pieces_of(streams[-1])) as pieces:
            async for piece in pieces:
                yield piece

    async def check_models(self) -> None:
        """Returns when the key is good and both models exist.

        Raises:
            AssistantUnavailable: `reason` is `key-refused` or `model-missing`.
            ServiceError: Gemini could not be asked.
        """
        names = (self._embedding_model, self._generative_model)
        found = await asyncio.gather(*map(self._check_model, names), return_exceptions=True)
        for result in found:
            if isinstance(result, BaseException):
                raise result

    async def aclose(self) -> None:
        """Close the connections. Streams that are still open break."""
        await self._http.aclose()

    async def _check_model(self, name: str) -> None:
        with translated():
            await self._models.get(model=name)

    async def _embed(self, texts: Sequence[str], task: str) -> list[Vector]:
        instructed = self._embedding_model.startswith(_INSTRUCTED_EMBEDDER)
        # Contents, never strings: a list of strings becomes one text, and one vector, for
        # some models.
        given = [_instructed(text, task) if instructed else text for text in texts]
        with translated():
            reply = await self._models.embed_content(
                model=self._embedding_model,
                contents=[_content(text) for text in given],
                config=types.EmbedContentConfig(
                    task_type=None if instructed else task,
                    output_dimensionality=self._dimension,
                ),
            )
        embeddings = reply.embeddings or []
        if len(embeddings) != len(texts):
            raise _unusable(f"{len(embeddings)} embeddings for {len(texts)} texts")
        return [_unit(embedding.values or [], self._dimension) for embedding in embeddings]

    def _generation_config(self, system: str) -> types.GenerateContentConfig:
        # No temperature, top_p or top_k: Gemini 3 deprecates them.
        return types.GenerateContentConfig(
            system_instruction=system,
            max_output_tokens=self._max_output_tokens,
            thinking_config=_thinking(self._generative_model),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,  # one answer is one request
        )


def _content(text: str, role: str = "user") -> types.ContentDict:
    # A dictionary: the SDK takes five times as long to check its own objects.
    return {"role": role, "parts": [{"text": text}]}


def _thinking(model: str) -> types.ThinkingConfig | None:
    """Little thinking: its tokens delay the answer and count against `max_output_tokens`.

    `LOW` is the least that every 3.x Flash model takes (3.7 and 3.8 refuse `MINIMAL`); other
    generations have other parameters.
    """
    if not model.startswith("gemini-3"):
        return None
    return types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)


def _instructed(text: str, task: str) -> str:
    """The task inside the text, where the model does not take a task type.

    Source: the Gemini API's guide to embeddings, on gemini-embedding-2.
    """
    if task == "RETRIEVAL_QUERY":
        return f"task: search result | query: {text}"
    return f"title: none | text: {text}"


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
