"""The SDK's store over whatever keeps the threads, with ids and times that can be relied on."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from chatkit.store import Store, StoreItemType
from chatkit.types import Attachment, Page, ThreadItem, ThreadItemBase, ThreadMetadata
from pydantic import TypeAdapter

from docchat.errors import NotFound
from docchat.web.app import Call

_THREAD_ID = re.compile(r"thr_[0-9a-f]{32}")
_ITEM = TypeAdapter[ThreadItem](ThreadItem)

T = TypeVar("T", bound=ThreadMetadata | ThreadItemBase)


class Threads(Protocol):
    """Keeps one owner's threads and their items, as JSON.

    A list is read in pages: at most `limit`, `order` `asc` or `desc` by time, from behind the
    entry that `after` names; None when there is no such entry.
    """

    async def threads(
        self, limit: int, after: str | None, order: str
    ) -> list[dict[str, Any]] | None:
        """A page of the threads."""
        ...

    async def thread(self, thread_id: str) -> dict[str, Any] | None:
        """A thread; None when there is none of that id."""
        ...

    async def items(
        self, thread_id: str, limit: int, after: str | None, order: str
    ) -> list[dict[str, Any]] | None:
        """A page of a thread's items."""
        ...

    async def item(self, thread_id: str, item_id: str) -> dict[str, Any] | None:
        """An item; None when the thread has none of that id."""
        ...

    async def save(
        self, thread_id: str, item_id: str | None, at: float, body: dict[str, Any]
    ) -> None:
        """Write a thread (`item_id` None) or an item; `at` is when it was made."""
        ...

    async def delete(self, thread_id: str, item_id: str | None = None) -> None:
        """Remove an item, or a thread (`item_id` None) with all its items."""
        ...


class ThreadStore(Store[Call]):
    """Raises `NotFound` for threads and items that are not there. There are no attachments."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    def generate_thread_id(self, context: Call) -> str:
        """128 random bits: for a caller without a name the id is all that guards the thread."""
        return f"thr_{secrets.token_hex(16)}"

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: Call
    ) -> str:
        """As for threads; messages are the only items."""
        return f"msg_{secrets.token_hex(16)}"

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Call
    ) -> Page[ThreadMetadata]:
        """A page of the owner's threads."""
        found = await self._threads.threads(limit + 1, after, order)
        return _page(found, limit, ThreadMetadata.model_validate)

    async def load_thread(self, thread_id: str, context: Call) -> ThreadMetadata:
        """A thread without its items."""
        known = _THREAD_ID.fullmatch(thread_id) and await self._threads.thread(thread_id)
        if not known:
            raise NotFound("no such thread", detail="This conversation is not there any more.")
        return ThreadMetadata.model_validate(known)

    async def save_thread(self, thread: ThreadMetadata, context: Call) -> None:
        """Write a thread."""
        stamped = ThreadMetadata(**{**dict(thread), "created_at": utc(thread.created_at)})
        body = stamped.model_dump(mode="json")
        with _noting_failure(context):
            await self._threads.save(thread.id, None, stamped.created_at.timestamp(), body)

    async def delete_thread(self, thread_id: str, context: Call) -> None:
        """Remove a thread with its items."""
        await self.load_thread(thread_id, context)
        await self._threads.delete(thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Call
    ) -> Page[ThreadItem]:
        """A page of a thread's items."""
        await self.load_thread(thread_id, context)
        found = await self._threads.items(thread_id, limit + 1, after, order)
        return _page(found, limit, _ITEM.validate_python)

    async def load_item(self, thread_id: str, item_id: str, context: Call) -> ThreadItem:
        """One item."""
        await self.load_thread(thread_id, context)
        found = await self._threads.item(thread_id, item_id)
        if found is None:
            raise _no_such_item()
        return _ITEM.validate_python(found)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Call) -> None:
        """Write an item, and say in it which time zone its time is of."""
        item.created_at = utc(item.created_at)
        body = item.model_dump(mode="json")
        with _noting_failure(context):
            await self._threads.save(thread_id, item.id, item.created_at.timestamp(), body)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Call) -> None:
        """As `add_thread_item`."""
        await self.add_thread_item(thread_id, item, context)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Call) -> None:
        """Remove an item."""
        with _noting_failure(context):
            await self._threads.delete(thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: Call) -> None:
        """Never called: files are refused before."""
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Call) -> Attachment:
        """As `save_attachment`."""
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: Call) -> None:
        """As `save_attachment`."""
        raise NotImplementedError


def utc(moment: datetime) -> datetime:
    """The moment with its time zone; the SDK's own times are local and do not say so."""
    return moment.astimezone(UTC)


@contextmanager
def _noting_failure(call: Call) -> Iterator[None]:
    """Within a stream the SDK makes an error event of every failure, and tells nobody else."""
    try:
        yield
    except Exception as exc:
        call.fail(exc)
        raise


def _page(
    found: list[dict[str, Any]] | None, limit: int, validated: Callable[[object], T]
) -> Page[T]:
    """The page, of which one entry more was read than it shows."""
    if found is None:
        raise _no_such_item()
    shown = list(map(validated, found[:limit]))
    more = len(found) > limit
    return Page(data=shown, has_more=more, after=shown[-1].id if more else None)


def _no_such_item() -> NotFound:
    return NotFound("no such item", detail="This message is not there any more.")
