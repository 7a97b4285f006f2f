"""The chat function with MCP switched on, in a process of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import State

from emulators.gemini import create_app as gemini_app
from emulators.server import serve_in_thread
from tests.functions.conftest import empty_folder, variables  # noqa: F401 - fixtures
from tests.servers import functions_framework


@pytest.fixture(scope="session")
def gemini() -> Iterator[tuple[str, State]]:
    """The emulator's URL, and its state: what it was asked, and what is to go wrong."""
    app = gemini_app(delay_s=0.005)
    with serve_in_thread(app) as url:
        yield url, app.state


@pytest.fixture(scope="session")
def gemini_url(gemini: tuple[str, State]) -> str:
    return gemini[0]


@pytest.fixture
def state(gemini: tuple[str, State]) -> Iterator[State]:
    """The emulator's state; nothing that goes wrong goes on after the test."""
    yield gemini[1]
    gemini[1].faults.clear()


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server of `url` writes."""
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="session")
def url(variables: dict[str, str], empty_folder: Path, log: Path) -> Iterator[str]:  # noqa: F811
    """A function with MCP switched on."""
    on = variables | {"MCP": "on", "RATE_LIMIT_PER_MINUTE": "0", "MAX_STREAMS": "2"}
    with functions_framework("chat", on, cwd=empty_folder, log=log, covered=True) as base:
        yield f"{base}/mcp"


def lines_of(log: Path) -> list[dict[str, Any]]:
    """The request lines of a server's log."""
    written = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    return [line for line in written if line.get("message") == "request"]
