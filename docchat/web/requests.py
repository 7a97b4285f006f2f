"""From an HTTP request to a `Question`, within limits; a refusal names the field, never a value."""

import json
from typing import Any, NoReturn

from starlette.requests import Request

from docchat.core.models import Question, Role, Turn
from docchat.errors import (
    BodyTooLarge,
    FieldError,
    InvalidRequest,
    MalformedJson,
    UnsupportedMediaType,
)

MAX_BODY_BYTES = 64 * 1024
MAX_MESSAGE_CHARS = 4000
MAX_HISTORY_TURNS = 20
_EVENT_STREAM = "text/event-stream"


async def read_json(request: Request) -> dict[str, Any]:
    """The body as one JSON object.

    Raises:
        UnsupportedMediaType: it is not declared as plain JSON.
        BodyTooLarge: it has more than `MAX_BODY_BYTES`.
        MalformedJson: it is not one JSON object in UTF-8.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or "content-encoding" in request.headers:
        raise UnsupportedMediaType("the body is not declared as plain application/json")
    body = await _read(request)
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise MalformedJson("the body does not parse") from exc
    if not isinstance(value, dict):
        raise MalformedJson("the body is not an object")
    return value


async def _read(request: Request) -> bytes:
    """Counts while reading: a declared length may lie, and a chunked body declares none."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)
    return bytes(body)


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def wants_stream(request: Request, body: dict[str, Any]) -> bool:
    """Whether the caller takes Server-Sent Events.

    Yes where `Accept` names them, or for a conversation unless `Accept` asks for JSON.
    """
    accept = request.headers.get("accept", "").lower()
    return _EVENT_STREAM in accept or ("messages" in body and "application/json" not in accept)


def parse_question(body: dict[str, Any]) -> Question:
    """`{"query": "…"}` or `{"messages": [{"role": …, "content": …}, …]}`.

    A message's text stands in `content`, or in `parts` of type `text` as useChat sends it.
    Unknown fields are ignored.

    Raises:
        InvalidRequest: names each field at fault.
    """
    if "messages" in body:
        return _conversation(body["messages"])
    if "query" not in body:
        raise InvalidRequest(FieldError("/query", "is required, or /messages"))
    return Question(_text(body["query"], "/query"))


def _conversation(messages: object) -> Question:
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest(FieldError("/messages", "must be a list with at least one message"))
    if len(messages) > MAX_HISTORY_TURNS + 1:
        raise InvalidRequest(
            FieldError("/messages", f"must have at most {MAX_HISTORY_TURNS + 1} messages")
        )
    *history, last = [_turn(item, f"/messages/{n}") for n, item in enumerate(messages)]
    if last is None or last.role is not Role.USER:
        raise InvalidRequest(FieldError(f"/messages/{len(history)}/role", "must be user"))
    return Question(last.text, tuple(turn for turn in history if turn))


def _turn(item: object, pointer: str) -> Turn | None:
    """One message; None for an assistant's that has no text, as a failed answer leaves behind."""
    if not isinstance(item, dict):
        raise InvalidRequest(FieldError(pointer, "must be an object"))
    role = item.get("role")
    if role not in tuple(Role):
        raise InvalidRequest(FieldError(f"{pointer}/role", "must be user or assistant"))
    field = "content" if "content" in item else "parts"
    text = item["content"] if field == "content" else _joined(item.get("parts"))
    if role == Role.ASSISTANT and isinstance(text, str):
        # Our own answer, sent back: it may be longer than any question.
        text = text.strip()[:MAX_MESSAGE_CHARS]
        return Turn(Role.ASSISTANT, _text(text, f"{pointer}/{field}")) if text else None
    return Turn(Role(role), _text(text, f"{pointer}/{field}"))


def _joined(parts: object) -> object:
    """The text parts of a useChat message; others (sources, steps) say nothing to the model."""
    if not isinstance(parts, list):
        return None
    texts = [p.get("text") for p in parts if isinstance(p, dict) and p.get("type") == "text"]
    return "".join(texts) if all(isinstance(text, str) for text in texts) else None  # type: ignore[arg-type]


def _text(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(FieldError(pointer, "must be text"))
    text = value.strip()
    if not text:
        raise InvalidRequest(FieldError(pointer, "must not be empty"))
    if len(text) > MAX_MESSAGE_CHARS:
        raise InvalidRequest(
            FieldError(pointer, f"must have at most {MAX_MESSAGE_CHARS} characters")
        )
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidRequest(FieldError(pointer, "must not have lone surrogates"))
    return text
