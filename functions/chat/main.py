"""The chat function: a request in, an answer out."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from docchat import logs
from docchat.answering import Policy, answer
from docchat.core.models import Event, Question
from docchat.runtime import process_runtime
from docchat.web.app import Routes, respond
from docchat.web.chat import endpoint

logs.configure()


async def _answer(question: Question) -> AsyncGenerator[Event]:
    runtime = process_runtime()
    settings = runtime.settings
    gemini, index = await asyncio.gather(runtime.gemini(), runtime.index())
    policy = Policy(settings.site_name, settings.context_chars, settings.abstain_below)
    async with aclosing(
        answer(question, embedder=gemini, index=index, generator=gemini, policy=policy)
    ) as events:
        async for event in events:
            yield event


_chat = endpoint(_answer)
_ROUTES: Routes = {"/chat": {"POST": _chat}, "/": {"POST": _chat}}


@functions_framework.aio.http
async def chat(request: Request) -> Response:
    """Serve one request."""
    return await respond(request, _ROUTES, lambda: process_runtime().allowed_origins)
