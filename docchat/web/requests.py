"""From an HTTP request to a `Question`, within limits; a refusal names the field, never a value."""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from docchat.core.models import Question, Role, Turn
from docchat.core.visible import visible
from docchat.errors import (
    BodyTooLarge,
    CallerLeft,
    FieldError,
    InvalidRequest,
    NotAcceptable,
    RequestTimeout,
    ShuttingDown,
    UnsupportedMediaType,
)
from docchat.web.scope import parse_scope
from docchat.web.strict_json import parse_object

T = TypeVar("T")

MAX_BODY_BYTES = 64 * 1024
MAX_MESSAGE_CHARS = 4000
MAX_HISTORY_TURNS = 20
BODY_DEADLINE_S = 10.0
_REGENERATE = "regenerate-message"  # useChat's word
_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON = "application/json"
_EVENT_STREAM = "text/event-stream"
_ANY_OF_OURS = ("*/*", "application/*", "text/*", _JSON, _EVENT_STREAM, "application/problem+json")


async def read_json(request: Request) -> dict[str, Any]:
    """The body as one JSON object.

    Raises:
        UnsupportedMediaType: it is not declared as plain JSON.
        BodyTooLarge: it has more than `MAX_BODY_BYTES`.
        CallerLeft: the caller left before it was whole.
        RequestTimeout: it took longer than `BODY_DEADLINE_S` to arrive.
        MalformedJson: it is not JSON in UTF-8.
        InvalidRequest: it is not an object.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON or "content-encoding" in request.headers:
        raise UnsupportedMediaType("the body is not declared as plain application/json")
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            return parse_object(await _read(request))
    except TimeoutError as exc:
        raise RequestTimeout("the body did not arrive in time") from exc
    except ClientDisconnect as exc:
        raise CallerLeft("the caller left before the body was whole") from exc


async def _read(request: Request) -> bytes:
    """Counts while reading: a declared length may lie, and a chunked body declares none."""
    if _declared_length(request) > MAX_BODY_BYTES:
        raise BodyTooLarge(MAX_BODY_BYTES)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)
    return bytes(body)


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


async def attended(request: Request, work: Coroutine[Any, Any, T], drain: asyncio.Event) -> T:
    """The result of the work, which ends when the caller leaves or the instance has to go.

    Only for a request whose body has been read.

    Raises:
        CallerLeft: the caller has closed the connection: nobody would read the result.
        ShuttingDown: the instance was told to stop.
    """
    working = asyncio.ensure_future(work)
    leaving, going = asyncio.ensure_future(_leave(request)), asyncio.ensure_future(drain.wait())
    try:
        await asyncio.wait({working, leaving, going}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if going.done():
            raise ShuttingDown("the instance was told to stop")
        raise CallerLeft("the caller left before the answer began")
    finally:
        leaving.cancel()
        going.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def _leave(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def wants_stream(request: Request, body: dict[str, Any]) -> bool:
    """Whether the caller takes Server-Sent Events.

    Yes where `Accept` names them, or for a conversation unless `Accept` asks for JSON.

    Raises:
        NotAcceptable: the caller takes neither of our formats.
    """
    accept = request.headers.get("accept", "*/*").lower()
    types = {part.partition(";")[0].strip() for part in accept.split(",")}
    if not types & set(_ANY_OF_OURS):
        raise NotAcceptable("the caller accepts neither JSON nor an event stream")
    return _EVENT_STREAM in types or ("messages" in body and _JSON not in types)


def parse_question(body: dict[str, Any]) -> Question:
    """`{"query": "…"}` or `{"messages": [{"role": …, "content": …}, …]}`.

    With `"page": {"version": …, "locale": …}` the search stays in that part of the docs.
    A message's text stands in `content`, or in `parts` of type `text` as useChat sends it, and
    its `trigger` says when another answer is wanted. Unknown fields are ignored.

    Raises:
        InvalidRequest: names each field at fault.
    """
    if "messages" in body:
        again = body.get("trigger") == _REGENERATE
        return replace(_conversation(body["messages"]), scope=parse_scope(body), again=again)
    if "query" not in body:
        raise InvalidRequest(FieldError("/query", "is required, or /messages"))
    return Question(question_text(body["query"], "/query"), scope=parse_scope(body))


def _conversation(messages: object) -> Question:
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest(FieldError("/messages", "must be a list with at least one message"))
    if len(messages) > MAX_HISTORY_TURNS + 1:
        raise InvalidRequest(
            FieldError("/messages", f"must have at most {MAX_HISTORY_TURNS + 1} messages")
        )
    *history, last = [_turn(item, f"/messages/{n}") for n, item in enumerate(messages)]
    if last.role is not Role.USER:
        raise InvalidRequest(FieldError(f"/messages/{len(history)}/role", "must be user"))
    # A failed answer leaves an empty turn behind; it says nothing.
    return Question(last.text, tuple(turn for turn in history if turn.text))


def _turn(item: object, pointer: str) -> Turn:
    if not isinstance(item, dict):
        raise InvalidRequest(FieldError(pointer, "must be an object"))
    role = item.get("role")
    if role not in tuple(Role):
        raise InvalidRequest(FieldError(f"{pointer}/role", "must be user or assistant"))
    field = "content" if "content" in item else "parts"
    text = item["content"] if field == "content" else _joined(item.get("parts"))
    if role == Role.USER:
        return Turn(Role.USER, question_text(text, f"{pointer}/{field}"))
    # Our own answer, sent back: it may be longer than any question.
    return Turn(Role.ASSISTANT, clean(text, f"{pointer}/{field}")[:MAX_MESSAGE_CHARS])


def _joined(parts: object) -> object:
    """The text parts of a useChat message; others (sources, steps) say nothing to the model."""
    if not isinstance(parts, list):
        return None
    texts = [p.get("text") for p in parts if isinstance(p, dict) and p.get("type") == "text"]
    return "".join(texts) if all(isinstance(text, str) for text in texts) else None  # type: ignore[arg-type]


def question_text(value: object, pointer: str) -> str:
    """A question within its limits; raises `InvalidRequest`."""
    text = clean(value, pointer)
    if not text and isinstance(value, str) and value.strip():
        raise InvalidRequest(FieldError(pointer, "must have characters that can be seen"))
    if len(text) > MAX_MESSAGE_CHARS:
        raise InvalidRequest(
            FieldError(pointer, f"must have at most {MAX_MESSAGE_CHARS} characters")
        )
    return text


def clean(value: object, pointer: str) -> str:
    """The text without what nobody sees: control, zero-width, bidi and tag characters.

    Raises:
        InvalidRequest: it is not text, or has lone surrogates.
    """
    if not isinstance(value, str):
        raise InvalidRequest(FieldError(pointer, "must be text"))
    if not value.isascii() and _SURROGATE.search(value):
        raise InvalidRequest(FieldError(pointer, "must not have lone surrogates"))
    return visible(value).strip()
