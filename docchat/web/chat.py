"""`POST /chat`: a question in, an answer out, whole or streamed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from starlette.responses import Response

from docchat.core.models import Event, Finish, Question, Trace
from docchat.core.wording import Wording
from docchat.errors import UpstreamTruncated
from docchat.web import json_answer, ui_stream
from docchat.web.app import Call, Endpoint
from docchat.web.door import Door
from docchat.web.requests import attended, parse_question, read_json, wants_stream
from docchat.web.streaming import Drain, streamed


class Chat(Protocol):
    """What a chat route needs of the rest."""

    @property
    def door(self) -> Door:
        """The limits at the entrance."""
        ...

    @property
    def drain(self) -> Drain:
        """Set when the instance is told to go."""
        ...

    def answer(self, question: Question, trace: Trace, *, waited_s: float) -> AsyncGenerator[Event]:
        """The events of one answer to a request that has been here for `waited_s`."""
        ...

    def wording(self, question: Question) -> Wording:
        """The fixed sentences in the question's language."""
        ...

    def note(self, call: Call, question: Question, trace: Trace) -> None:
        """Add to the request's log line what it may say of the answer."""
        ...

    def public(self) -> dict[str, object]:
        """What a page may know before it asks."""
        ...


def endpoint(chat: Chat) -> Endpoint:
    """The route's handler, on top of the chat flow."""

    async def post(call: Call) -> Response:
        body = await read_json(call.request)
        events = open_answer(chat, parse_question(body), call)
        if wants_stream(call.request, body):
            return await streamed(call, events, ui_stream.FORMAT, chat.drain)
        async with aclosing(events):
            whole = await attended(call.request, json_answer.encode(events, call.id), chat.drain)
        return json_answer.ascii_json(whole)

    return post


async def open_answer(chat: Chat, question: Question, call: Call) -> AsyncGenerator[Event]:
    """The answer's events in one of the instance's slots, noted in the log; ends in a `Finish`.

    Raises:
        Overloaded: the instance has no slot left.
        DocchatError: the answer failed.
    """
    trace = Trace()
    try:
        answer = chat.answer(question, trace, waited_s=call.age_s)
        async with aclosing(chat.door.hold(answer)) as events:
            async for event in events:
                yield event
                if isinstance(event, Finish):
                    return
        raise UpstreamTruncated("the answer ended without a finish event")
    finally:
        chat.note(call, question, trace)
