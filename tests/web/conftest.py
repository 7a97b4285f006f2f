import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from docchat.core.models import Event, Question, Trace
from docchat.core.wording import ENGLISH, Wording
from docchat.limits import RateLimiter, StreamSlots
from docchat.web.app import Call, Routes, respond
from docchat.web.chat import endpoint
from docchat.web.door import Door
from emulators.server import serve_in_thread

ALLOWED = frozenset({"https://docs.example.com"})
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"]

Answer = Callable[[Question], AsyncGenerator[Event]]
Serve = Callable[[Routes], AbstractContextManager[httpx.Client]]


@contextmanager
def serve_routes(routes: Routes) -> Iterator[httpx.Client]:
    """The frame on a real socket, as functions-framework calls it: one handler, every path."""

    async def handler(request: Request) -> Response:
        return await respond(request, routes, lambda: ALLOWED)

    app = Starlette(routes=[Route("/{path:path}", handler, methods=METHODS)])
    with serve_in_thread(app) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def serve() -> Serve:
    return serve_routes


@dataclass
class FakeChat:
    """A chat whose answers are given."""

    given: Answer
    door: Door = field(
        default_factory=lambda: Door(RateLimiter(0, 1), StreamSlots(1000), forwarded_for_entry=0)
    )
    drain: asyncio.Event = field(default_factory=asyncio.Event)
    notes: list[Question] = field(default_factory=list)

    def answer(self, question: Question, trace: Trace, *, waited_s: float) -> AsyncGenerator[Event]:
        return self.given(question)

    def note(self, call: Call, question: Question, trace: Trace) -> None:
        self.notes.append(question)

    def wording(self, question: Question) -> Wording:
        return ENGLISH

    def public(self) -> dict[str, object]:
        return {"title": "Example"}


@pytest.fixture
def chat() -> Callable[[Answer], AbstractContextManager[httpx.Client]]:
    def serve_chat(answer: Answer) -> AbstractContextManager[httpx.Client]:
        return serve_routes({"/chat": {"POST": endpoint(FakeChat(answer))}})

    return serve_chat
