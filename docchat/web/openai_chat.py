"""`/v1/chat/completions` and `/v1/models`: the same answers for clients of the OpenAI API.

Only the conversation is taken from the request. `system` and `developer` messages are dropped:
the rules are ours. The model that is asked for does not matter, nor do sampling parameters.
"""

import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from starlette.responses import JSONResponse, Response

from docchat.core.models import (
    Event,
    Finish,
    FinishReason,
    Outcome,
    Question,
    Source,
    Sources,
    TextDelta,
    Usage,
)
from docchat.errors import ContentFiltered, DocchatError, FieldError, InvalidRequest
from docchat.web.app import Call, Endpoint
from docchat.web.chat import Chat, open_answer
from docchat.web.json_answer import ascii_json, collect
from docchat.web.requests import attended, parse_question, read_json
from docchat.web.streaming import StreamFormat, streamed

MODEL = "docchat"
_DROPPED = ("system", "developer")
_FINISH = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.BLOCKED: "content_filter",
}
_DONE = "data: [DONE]\n\n"


async def models(call: Call) -> Response:
    """The one model there is, for clients that look before they ask."""
    del call
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "docchat"}
    return JSONResponse({"object": "list", "data": [model]})


def completions(chat: Chat) -> Endpoint:
    """The route's handler, on top of the chat flow."""

    async def post(call: Call) -> Response:
        body = await read_json(call.request)
        events = open_answer(chat, _question(body), call)
        if body.get("stream") is True:
            options = body.get("stream_options")
            with_usage = isinstance(options, dict) and options.get("include_usage") is True
            return await streamed(call, events, _format(with_usage=with_usage), chat.drain)
        async with aclosing(events):
            whole = await attended(call.request, _completion(events, call.id), chat.drain)
        return ascii_json(whole)

    return post


def _question(body: dict[str, Any]) -> Question:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise InvalidRequest(FieldError("/messages", "must be a list with at least one message"))
    kept = [(n, message) for n, message in enumerate(messages) if not _is_dropped(message)]
    if not kept:
        raise InvalidRequest(FieldError("/messages", "must have a message of the user"))
    try:
        return parse_question({"messages": [_message(message) for _, message in kept]})
    except InvalidRequest as exc:
        raise InvalidRequest(*(_as_sent(error, kept) for error in exc.errors)) from exc


def _as_sent(error: FieldError, kept: Sequence[tuple[int, object]]) -> FieldError:
    """The error with the field's place and name in the request that was sent."""
    found = re.fullmatch(r"/messages/(\d+)(.*)", error.pointer)
    if found is None:
        return error
    number, message = kept[int(found[1])]
    field = found[2].replace("/parts", "/content", 1) if _has_list(message) else found[2]
    return FieldError(f"/messages/{number}{field}", error.reason)


def _has_list(message: object) -> bool:
    return isinstance(message, dict) and isinstance(message.get("content"), list)


def _is_dropped(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") in _DROPPED


def _message(message: object) -> object:
    """Content may be text or a list of parts; parts are what `parse_question` knows."""
    if isinstance(message, dict) and _has_list(message):
        return {"role": message.get("role"), "parts": message["content"]}
    return message


async def _completion(events: AsyncIterator[Event], answer_id: str) -> dict[str, Any]:
    whole = await collect(events)
    finish, annotations = whole.finish, _annotations(whole.text, whole.sources)
    message = {"role": "assistant", "content": whole.text, "annotations": annotations}
    choice = {"index": 0, "message": message, "finish_reason": _reason(finish), "logprobs": None}
    return {
        **_head(answer_id, "chat.completion"),
        "choices": [choice],
        "usage": _usage(finish.usage),
        "docchat": {"outcome": finish.outcome},
    }


def _format(*, with_usage: bool) -> StreamFormat[Event]:
    async def encode(events: AsyncIterator[Event], answer_id: str) -> AsyncGenerator[str]:
        text, sources = "", list[Source]()
        opening = _chunk(answer_id, {"role": "assistant", "content": ""})
        async for event in events:
            match event:
                case Sources():
                    sources += event.sources
                    continue
                case TextDelta():
                    text += event.text
                    yield opening + _chunk(answer_id, {"content": event.text})
                case Finish():
                    annotations = _annotations(text, sources)
                    yield opening + _closing(answer_id, event, annotations, with_usage=with_usage)
                    return
            opening = ""

    return StreamFormat(encode, _encode_error, {})


def _closing(
    answer_id: str, finish: Finish, annotations: list[dict[str, Any]], *, with_usage: bool
) -> str:
    chunks = [
        _chunk(answer_id, {"annotations": annotations}) if annotations else "",
        _chunk(answer_id, {}, _reason(finish), docchat={"outcome": finish.outcome}),
        _data(_chunk_head(answer_id), choices=[], usage=_usage(finish.usage)) if with_usage else "",
        _DONE,
    ]
    return "".join(chunks)


def _encode_error(error: DocchatError, request_id: str) -> str:
    if isinstance(error, ContentFiltered):  # the protocol has an ending of its own for that
        refused = {"outcome": Outcome.REFUSED}
        return _chunk(request_id, {}, "content_filter", docchat=refused) + _DONE
    public = {
        "message": error.detail,
        "type": error.slug,
        "code": error.slug,
        "request_id": request_id,
    }
    return _data({"error": public}) + _DONE


def _annotations(text: str, sources: list[Source]) -> list[dict[str, Any]]:
    """One for each source, at the place where the text cites it first."""
    annotations = []
    for source in sources:
        mark = f"[{source.n}]"
        start = max(0, text.find(mark))
        citation = {
            "url": source.url,
            "title": source.title,
            "start_index": start,
            "end_index": start + len(mark),
        }
        annotations.append({"type": "url_citation", "url_citation": citation})
    return annotations


def _chunk(
    answer_id: str, delta: dict[str, Any], reason: str | None = None, **fields: object
) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    return _data(_chunk_head(answer_id), choices=[choice], **fields)


def _chunk_head(answer_id: str) -> dict[str, Any]:
    return _head(answer_id, "chat.completion.chunk")


def _head(answer_id: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{answer_id}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
    }


def _reason(finish: Finish) -> str:
    return _FINISH[finish.reason]


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _data(body: dict[str, Any], **fields: object) -> str:
    return f"data: {json.dumps({**body, **fields})}\n\n"
