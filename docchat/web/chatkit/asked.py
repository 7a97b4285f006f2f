"""What a ChatKit request asks, within the limits of `/chat`."""

from collections.abc import Iterable
from typing import Any

from chatkit.types import (
    AssistantMessageItem,
    ChatKitReq,
    ItemsFeedbackReq,
    ItemsListReq,
    StreamingReq,
    ThreadItem,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsListReq,
    ThreadsRetryAfterItemReq,
    ThreadsUpdateReq,
    UserMessageInput,
    UserMessageItem,
)
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError

from docchat.core.models import Question, Role, Turn
from docchat.errors import FieldError, InvalidRequest, NotFound
from docchat.web.app import Call
from docchat.web.chatkit.store import ThreadStore
from docchat.web.requests import MAX_HISTORY_TURNS, MAX_MESSAGE_CHARS, clean, question_text
from docchat.web.scope import parse_scope

_REQUEST = TypeAdapter[ChatKitReq](ChatKitReq)
_REFUSED = {
    "attachments.create",
    "attachments.delete",
    "input.transcribe",
    "threads.add_client_tool_output",
    "threads.add_structured_input",
    "threads.custom_action",
    "threads.sync_custom_action",
}
_TAGS = {"input_text", "input_tag"}
_MAX_PAGE = 100
_MAX_RATED = 20
_MAX_TITLE_CHARS = 200


def parse(body: dict[str, Any]) -> ChatKitReq:
    """The body as one of the SDK's requests.

    Raises:
        InvalidRequest: names each field at fault, in words of ours.
    """
    try:
        request = _REQUEST.validate_python(body)
    except ValidationError as exc:
        raise InvalidRequest(*map(_field_error, exc.errors())) from exc
    if request.type in _REFUSED:
        raise InvalidRequest(FieldError("/type", "is not offered here"))
    _check(request)
    return request


def serialised(request: ChatKitReq) -> str:
    """The request as the SDK reads it, which takes nothing but text; our metadata stays here."""
    try:
        return request.model_dump_json(exclude={"metadata"})
    except PydanticSerializationError as exc:
        raise InvalidRequest(FieldError("/params", "must not have lone surrogates")) from exc


def _check(request: ChatKitReq) -> None:
    match request:
        case ThreadsListReq() | ItemsListReq():
            if not 1 <= (1 if request.params.limit is None else request.params.limit) <= _MAX_PAGE:
                raise InvalidRequest(FieldError("/params/limit", f"must be from 1 to {_MAX_PAGE}"))
        case ItemsFeedbackReq():
            if len(request.params.item_ids) > _MAX_RATED:
                rule = f"must have at most {_MAX_RATED} items"
                raise InvalidRequest(FieldError("/params/item_ids", rule))
        case ThreadsUpdateReq():
            request.params.title = clean(request.params.title, "/params/title")
            if not 1 <= len(request.params.title) <= _MAX_TITLE_CHARS:
                rule = f"must have 1 to {_MAX_TITLE_CHARS} characters"
                raise InvalidRequest(FieldError("/params/title", rule))
        case ThreadsCreateReq() | ThreadsAddUserMessageReq():
            if request.params.input.attachments:
                rule = "must be empty: files are not taken"
                raise InvalidRequest(FieldError("/params/input/attachments", rule))


def _field_error(error: ErrorDetails) -> FieldError:
    """The SDK's own words quote what was sent. The first step of a place is the request's type."""
    _, *steps = error["loc"] or ("",)
    pointer = "".join(f"/{step}" for step in steps if step not in _TAGS)
    if not error["loc"] or error["type"].startswith("union_tag"):
        return FieldError(f"{pointer}/type", "must be a type of the ChatKit protocol")
    return FieldError(pointer, "is required" if error["type"] == "missing" else "is not valid")


async def asked(request: StreamingReq, store: ThreadStore, call: Call) -> Question:
    """The question of a request that wants an answer, with the messages before it.

    Raises:
        NotFound: there is no such thread, or no such message in it.
        InvalidRequest: the question breaks a rule.
    """
    before: list[ThreadItem] = []
    said: UserMessageInput | ThreadItem
    match request:
        case ThreadsRetryAfterItemReq(params=params):
            said = await store.load_item(params.thread_id, params.item_id, call)
            before = await _before(params.thread_id, params.item_id, store, call)
        case ThreadsAddUserMessageReq(params=params):
            said = params.input
            before = await _before(params.thread_id, None, store, call)
        case ThreadsCreateReq(params=params):
            said = params.input
    if not isinstance(said, UserMessageInput | UserMessageItem):
        detail = "Only a question can be answered again."
        raise NotFound("no such question in the thread", detail=detail)
    turns = [turn for turn in map(_turn, before) if turn.text]
    text = question_text(_words(said), "/params/input/content")
    return Question(text, tuple(turns), parse_scope(request.metadata))


async def _before(
    thread_id: str, item_id: str | None, store: ThreadStore, call: Call
) -> list[ThreadItem]:
    """The newest messages before that one, or of all, oldest first."""
    page = await store.load_thread_items(thread_id, item_id, MAX_HISTORY_TURNS, "desc", call)
    return page.data[::-1]


def _turn(item: ThreadItem) -> Turn:
    """Nothing of it is trusted, wherever it was kept; it is cut and not refused."""
    if isinstance(item, UserMessageItem):
        role, text = Role.USER, _words(item)
    else:
        role, text = Role.ASSISTANT, _joined(item)
    return Turn(role, clean(text, "/metadata/history")[:MAX_MESSAGE_CHARS])


def _words(message: UserMessageInput | UserMessageItem) -> str:
    said = "".join(part.text for part in message.content)
    return f"> {message.quoted_text}\n\n{said}" if message.quoted_text else said


def _joined(item: ThreadItem) -> str:
    parts: Iterable[Any] = item.content if isinstance(item, AssistantMessageItem) else ()
    return "".join(part.text for part in parts)
