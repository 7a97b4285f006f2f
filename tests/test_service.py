"""The chat over sockets, and how often and how long it asks a Gemini that fails."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from docchat.core.models import Question, Trace
from docchat.errors import Misconfigured, UpstreamBusy
from docchat.runtime import Runtime
from docchat.service import ChatService
from emulators.faults import Fault
from emulators.gemini import create_app
from emulators.google_errors import error_body, retry_info
from emulators.server import serve_in_thread
from tests.functions.conftest import (  # noqa: F401 - fixtures: a configuration, the site indexed
    gemini_url,
    variables,
)
from tests.servers import functions_framework

QUESTION = "How do I create a new signing key?"
OVERLOADED = error_body(503, "UNAVAILABLE", "overloaded")


Variables = dict[str, str]


@pytest.fixture
def emulator(variables: Variables) -> Iterator[Starlette]:  # noqa: F811 - the fixture
    app = create_app(delay_s=0.1)
    with serve_in_thread(app) as url:
        app.state.variables = {**variables, "GEMINI_BASE_URL": url}
        yield app


@pytest.fixture
def client(emulator: Starlette, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the function as a process."""
    with (
        functions_framework("chat", emulator.state.variables, cwd=tmp_path, covered=True) as url,
        httpx.Client(base_url=url, timeout=1.0) as http,
    ):
        http.post("/chat", json={"query": QUESTION}, timeout=20.0)  # the clients are built
        yield http


async def asked(service: ChatService) -> None:
    async with aclosing(service.answer(Question(QUESTION), Trace(), waited_s=0.0)) as events:
        with suppress(UpstreamBusy):
            async for _ in events:
                pass


async def test_an_upstream_that_is_down_is_not_asked_much_more_often(emulator: Starlette) -> None:
    emulator.state.faults.add("*", Fault(status=503, body=OVERLOADED))
    runtime = Runtime(lambda: emulator.state.variables)
    service = ChatService(runtime)
    for _ in range(6):
        await asyncio.gather(*(asked(service) for _ in range(50)))
    await runtime.aclose()
    assert 300 < emulator.state.stats.calls["batchEmbedContents"] <= 1.2 * 300


@pytest.mark.parametrize("given", [{}, {"CHATKIT": "on"}, {"MCP": "on"}, {"MCP": "maybe"}])
def test_warming_up_leaves_it_to_the_requests_to_say_what_is_missing(
    given: dict[str, str],
) -> None:
    runtime, before = Runtime(lambda: given), set(threading.enumerate())
    ChatService(runtime).warm()
    for thread in set(threading.enumerate()) - before:
        thread.join()  # pytest fails where a thread did
    with pytest.raises(Misconfigured):
        runtime.settings.require_complete()


def leave(client: httpx.Client) -> None:
    """Ask, and hang up before the answer is there."""
    with pytest.raises(httpx.ReadTimeout):
        client.post("/chat", json={"query": QUESTION})


def test_who_leaves_during_the_wait_for_a_retry_ends_it(
    emulator: Starlette, client: httpx.Client
) -> None:
    calls = emulator.state.stats.calls
    before = calls["batchEmbedContents"]
    busy = error_body(503, "UNAVAILABLE", "overloaded", retry_info("2s"))
    emulator.state.faults.add("batchEmbedContents", Fault(status=503, body=busy))
    leave(client)
    time.sleep(2.0)
    assert calls["batchEmbedContents"] == before + 1


def test_who_leaves_a_json_answer_closes_the_stream_behind_it(
    emulator: Starlette, client: httpx.Client
) -> None:
    stats = emulator.state.stats
    leave(client)
    left = time.monotonic()
    while stats.open_streams and time.monotonic() - left < 1.0:
        time.sleep(0.02)
    assert (stats.open_streams, stats.calls["streamGenerateContent"]) == (0, 2)
