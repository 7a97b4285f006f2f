import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from benchmarks.chat import load, requests, startup
from benchmarks.chat.candidates import HELLO, PEERS, Candidate
from benchmarks.chat.ground import Ground, upstream
from emulators.server import serve_in_thread
from scripts.serve import ROOT


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    with upstream("http://127.0.0.1:9", folder / "log") as url:
        yield Ground(url, folder, folder, folder / "log")


def hello(port: int) -> list[str]:
    program = str(Path(sys.executable).parent / "functions-framework")
    return [program, "--target=chat", "--source=hello.py", f"--port={port}"]


CANDIDATE = Candidate(HELLO, hello, folder=ROOT / PEERS)


def test_a_start_has_its_port_before_its_first_answer(ground: Ground) -> None:
    took = startup.measure(CANDIDATE, ground.log)
    assert 0 < took["listening_ms"] < took["health_ms"]
    assert took["token_ms"] > 0


def test_a_quick_round_has_every_figure_of_a_server_that_asks_nobody(ground: Ground) -> None:
    sizes = requests.Sizes(alone=20, rounds=1)
    figures = requests.measure(CANDIDATE, ground, sizes)
    assert figures.pop("not_answered") == 0
    assert all(value > 0 for value in figures.values())
    assert {"cpu_ms", "per_s", "pss_mib"} <= set(figures)


async def broken(request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        yield 'data: {"type": "text-delta", "delta": "When"}\n\n'

    return StreamingResponse(pieces(), media_type="text/event-stream")


async def endless(request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        yield 'data: {"type": "text-delta", "delta": "When"}\n\n'
        await asyncio.Event().wait()

    return StreamingResponse(pieces(), media_type="text/event-stream")


@contextmanager
def answering(endpoint: Callable[[Request], Awaitable[Response]]) -> Iterator[str]:
    with serve_in_thread(Starlette(routes=[Route("/chat", endpoint, methods=["POST"])])) as url:
        yield url


async def test_a_stream_without_its_end_is_a_failure() -> None:
    with answering(broken) as url:
        seen = await load.ask(url, streams=2, requests=3)
    assert seen.failed == {"broken off": 3}
    assert seen.first_s == []


def test_streams_that_have_begun_are_held_open_and_counted() -> None:
    with answering(endless) as url, load.held_open(url, 3) as held:
        assert held == 3
