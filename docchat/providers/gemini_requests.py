"""Requests to Gemini as google-genai builds them: each kind once, to be filled in for every call.

The SDK would make pydantic models of a request and of its headers anew each time; but for the texts
they are always the same. See docs/decisions/0012-cold-and-hot-paths.md.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from google import genai
from google.genai import types
from pydantic import SecretStr

from docchat.errors import Misconfigured

_FRAMING = {"host", "content-length"}  # whoever sends the request writes them


@dataclass(frozen=True, slots=True)
class Blank:
    """A request without its texts.

    Attributes:
        method: of HTTP.
        url: with the model's name.
        headers: the key is among them.
        fields: of its body's JSON, but for the texts.
    """

    method: str
    url: httpx2.URL
    headers: Mapping[str, str] = field(repr=False)
    fields: Mapping[str, Any]


class _Unsent(Exception):
    """The request is built; no reply has to be made up and taken apart."""


class RequestBuilder:
    """The SDK on a transport that sends nothing.

    Args:
        api_key: for the requests' headers.
        base_url: of the API; None for Google's.

    Raises:
        Misconfigured: the key cannot be a key; every method: the name cannot be a model's.
    """

    def __init__(self, api_key: SecretStr, base_url: str | None) -> None:
        unsent = httpx2.MockTransport(self._keep)
        options = types.HttpOptions(
            base_url=base_url,
            httpx_client=httpx2.Client(transport=unsent),
            # Never used; given, they save the SDK from reading the trusted certificates.
            httpx_async_client=httpx2.AsyncClient(transport=unsent),
            async_client_args={"ssl": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)},
        )
        sdk = genai.Client(vertexai=False, api_key=_sendable(api_key), http_options=options)
        self._models = sdk.models
        self._kept: list[httpx2.Request] = []

    def embedding(self, model: str, task: str | None, dimension: int) -> Blank:
        """A batch of one text, which is without its `content`."""
        config = types.EmbedContentConfig(task_type=task, output_dimensionality=dimension)
        # A content, never a string: some models make one text, and one vector, of several strings.
        with _unsent(model):
            self._models.embed_content(model=model, contents=[content("")], config=config)
        blank = self._blank()
        del blank.fields["requests"][0]["content"]
        return blank

    def answer(self, model: str, max_output_tokens: int) -> Blank:
        """A streamed answer, without `contents` and `systemInstruction`."""
        # No temperature, top_p or top_k: Gemini 3 deprecates them.
        config = types.GenerateContentConfig(
            max_output_tokens=max_output_tokens,
            thinking_config=_thinking(model),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,  # one answer is one request
        )
        models = self._models
        with _unsent(model):
            list(models.generate_content_stream(model=model, contents=[content("")], config=config))
        return self._blank()

    def model(self, name: str) -> Blank:
        """A look at a model."""
        with _unsent(name):
            self._models.get(model=name)
        return self._blank()

    def _keep(self, request: httpx2.Request) -> httpx2.Response:
        self._kept.append(request)
        raise _Unsent

    def _blank(self) -> Blank:
        request = self._kept.pop()
        headers = {name: value for name, value in request.headers.items() if name not in _FRAMING}
        return Blank(request.method, request.url, headers, json.loads(request.content or b"{}"))


@contextmanager
def _unsent(model: str) -> Iterator[None]:
    try:
        yield
    except _Unsent:
        pass
    except ValueError as exc:
        text = f"{model!r} is not the name of a model: set EMBEDDING_MODEL and GENERATIVE_MODEL"
        raise Misconfigured(text) from exc


def content(text: str, role: str = "user") -> types.ContentDict:
    """A text as the API takes it."""
    return {"role": role, "parts": [{"text": text}]}


def _thinking(model: str) -> types.ThinkingConfig | None:
    """Little thinking: its tokens delay the answer and count against `max_output_tokens`.

    `LOW` is the least that every 3.x Flash model takes (3.7 and 3.8 refuse `MINIMAL`); other
    generations have other parameters.
    """
    if not model.startswith("gemini-3"):
        return None
    return types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)


def _sendable(api_key: SecretStr) -> str:
    """The key, if it can stand in a header; the transport's own error would quote it."""
    key = api_key.get_secret_value().strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured("the Gemini key is empty or has characters that no key has")
    return key
