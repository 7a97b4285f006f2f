"""The SDK's server, answering with docchat's events."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer
from chatkit.types import (
    FeedbackKind,
    ProgressUpdateEvent,
    Thread,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from docchat import logs
from docchat.core.models import Event
from docchat.errors import ContentFiltered, DocchatError, FieldError, InvalidRequest
from docchat.web.app import Call
from docchat.web.chatkit.reply import Reply
from docchat.web.chatkit.store import ThreadStore, utc

_ANSWER = re.compile(r"msg_([0-9a-f]{32})")
_THUMB: dict[FeedbackKind, str] = {"positive": "up", "negative": "down"}
_TITLE_CHARS = 60


class Answering(ChatKitServer[Call]):
    """One request's server.

    Args:
        store: the caller's threads.
        events: the answer, for a request that wants one.
        searching: what the visitor reads before the answer begins.
        title: of a new thread.
    """

    def __init__(
        self,
        store: ThreadStore,
        events: AsyncGenerator[Event] | None = None,
        searching: str = "",
        title: str | None = None,
    ) -> None:
        super().__init__(store)
        self._events = events
        self._searching = searching
        self._title = title
        self._reply: Reply | None = None

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Call
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The answer; a failure ends it with the protocol's error, and what was said is kept."""
        assert self._events is not None  # noqa: S101 - who streams has given them
        thread.title = thread.title or self._title
        yield ProgressUpdateEvent(icon="search", text=self._searching)
        reply = self._reply = Reply(thread.id, context.id)
        try:
            async for event in reply.grow(self._events):
                yield event
        except Exception as exc:
            withheld = isinstance(exc, ContentFiltered)
            for last in reply.take_back() if withheld else reply.close():
                yield last
            error = context.fail(exc)
            # What a visitor may read, and whether asking again can help.
            retry = not (withheld or error.needs_operator)
            raise CustomStreamError(error.detail, allow_retry=retry) from exc
        for last in reply.close():
            yield last

    async def keep_partial(self, call: Call) -> None:
        """Save what was said before the stream was cut off."""
        reply = self._reply
        if reply is not None and reply.open and reply.content.text.strip():
            with suppress(DocchatError):  # the store has noted it for the log; nobody is listening
                await self.store.add_thread_item(reply.item.thread_id, reply.item, call)

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: Call
    ) -> None:
        """Nothing: not every stream that is cut off comes by here; see `keep_partial`."""

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: Call
    ) -> None:
        """The same log line as for `POST /feedback`; an answer's item has the answer's id."""
        await self.store.load_thread(thread_id, context)
        answers = [_ANSWER.fullmatch(item_id) for item_id in item_ids]
        if None in answers:
            raise InvalidRequest(FieldError("/params/item_ids", "must be the ids of answers"))
        for answer in filter(None, answers):
            logs.feedback(answer[1], _THUMB[feedback], reason="", text="")

    def _to_thread_response(self, thread: ThreadMetadata | Thread) -> Thread:
        """As the SDK's, with the time zone in the time."""
        response = super()._to_thread_response(thread)
        response.created_at = utc(response.created_at)
        return response


def title_of(question: str) -> str:
    """A new thread's title: the beginning of its first question."""
    line = " ".join(question.split())
    return line if len(line) <= _TITLE_CHARS else f"{line[: _TITLE_CHARS - 1].rstrip()}…"
