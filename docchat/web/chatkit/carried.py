"""A conversation that the request brings along: nothing of it outlives the response."""

from datetime import UTC, datetime
from typing import Any

from chatkit.types import AssistantMessageItem, ChatKitReq, UserMessageItem
from pydantic import TypeAdapter, ValidationError

from docchat.errors import FieldError, InvalidRequest
from docchat.web.requests import MAX_HISTORY_TURNS

_ITEM = TypeAdapter[UserMessageItem | AssistantMessageItem](UserMessageItem | AssistantMessageItem)
_ABOUT_ITEMS = {"threads.get_by_id", "items.list", "threads.retry_after_item"}


class CarriedThreads:
    """The one thread that the request is about, as the page tells it in `metadata.history`.

    A page that brings no history can still ask, rename, delete and give feedback, but not read.

    Raises:
        InvalidRequest: the history is not a list of messages.
    """

    def __init__(self, request: ChatKitReq) -> None:
        self._items = _carried(request.metadata)
        self._known = bool(self._items) or request.type not in _ABOUT_ITEMS

    async def threads(self, limit: int, after: str | None, order: str) -> list[dict[str, Any]]:
        """None: the page lists its own."""
        return []

    async def thread(self, thread_id: str) -> dict[str, Any] | None:
        """Whatever thread the request is about."""
        if not self._known:
            return None
        now = datetime.now(UTC).isoformat()
        return {"id": thread_id, "created_at": self._items[0]["created_at"] if self._items else now}

    async def items(
        self, thread_id: str, limit: int, after: str | None, order: str
    ) -> list[dict[str, Any]] | None:
        """A page of the messages."""
        ordered = self._items if order == "asc" else self._items[::-1]
        ids = [None, *(item["id"] for item in ordered)]
        if after not in ids:
            return None
        start = ids.index(after)
        return [{**item, "thread_id": thread_id} for item in ordered[start : start + limit]]

    async def item(self, thread_id: str, item_id: str) -> dict[str, Any] | None:
        """One of the messages."""
        found = (item for item in self._items if item["id"] == item_id)
        return next(({**item, "thread_id": thread_id} for item in found), None)

    async def save(
        self, thread_id: str, item_id: str | None, at: float, body: dict[str, Any]
    ) -> None:
        """Keep nothing: the page has it from the stream."""

    async def delete(self, thread_id: str, item_id: str | None = None) -> None:
        """Forget nothing: there is nothing."""


def _carried(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    history = metadata.get("history", [])
    if not isinstance(history, list):
        raise InvalidRequest(FieldError("/metadata/history", "must be a list of messages"))
    return [_message(item) for item in history[-MAX_HISTORY_TURNS:]]


def _message(item: object) -> dict[str, Any]:
    try:
        return _ITEM.validate_python(item).model_dump(mode="json")
    except ValidationError as exc:
        error = FieldError("/metadata/history", "must have items with user or assistant messages")
        raise InvalidRequest(error) from exc
