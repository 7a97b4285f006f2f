"""The chat function with ChatKit's SDK, in a process of its own, and a client for it."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from starlette.datastructures import State

from docchat.runtime import Runtime
from emulators.gemini import create_app as gemini_app
from emulators.qdrant import create_app as qdrant_app
from emulators.server import serve_in_thread
from scripts.index_docs import publish, read
from tests.functions.conftest import ORIGIN, SITE_URL, empty_folder  # noqa: F401 - a fixture
from tests.servers import ROOT, functions_framework

QUESTION = "How do I create a new signing key?"

STREAM = "streamGenerateContent"

Json = dict[str, Any]
Check = Callable[[str, object], None]
"""Fails unless a value is of the type of `chatkit.types` that is named."""


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    """An interpreter with the SDK, in the environment that `make test` makes."""
    python = ROOT / ".local/venvs/chatkit/bin/python"
    if not python.exists():
        pytest.skip("SKIPPED: `make test` installs ChatKit's SDK, in .local/venvs/chatkit")
    return python


@pytest.fixture(scope="session")
def check(sdk_python: Path) -> Iterator[Check]:
    """Asks the SDK."""
    command = [sdk_python, ROOT / "tests/chatkit/validate.py"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        asking, answering = process.stdin, process.stdout

        def checked(name: str, value: object) -> None:
            asking.write(json.dumps([name, value]) + "\n")
            asking.flush()
            wrong = json.loads(answering.readline())
            assert not wrong, wrong

        yield checked
        asking.close()


@dataclass(frozen=True)
class Page:
    """A page with ChatKit in it: what it sends, and what comes back, checked against the SDK.

    Attributes:
        url: of the function.
        check: the checker.
        owner: the visitor's secret; "" for a page that has none.
    """

    url: str
    check: Check
    owner: str = ""

    def send(self, kind: str, params: Json, **metadata: object) -> httpx.Response:
        """A request as it is."""
        if self.owner:
            metadata["owner"] = self.owner
        body = {"type": kind, "params": params, "metadata": metadata}
        return httpx.post(f"{self.url}/chatkit", json=body, timeout=60)

    def get(self, name: str, kind: str, params: Json, **metadata: object) -> Json:
        """The answer to a request that wants no stream."""
        response = self.send(kind, params, **metadata)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        self.check(name, found)
        return found

    def stream(self, kind: str, params: Json, **metadata: object) -> list[Json]:
        """The events of a request that wants an answer."""
        response = self.send(kind, params, **metadata)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        return self.events(response.text)

    def events(self, text: str) -> list[Json]:
        """The events of a stream."""
        lines = [line for line in text.split("\n\n") if line and not line.startswith(":")]
        found = [json.loads(line.removeprefix("data: ")) for line in lines]
        for event in found:
            self.check("event", event)
        return found

    def ask(self, text: str = QUESTION, thread: str = "", **metadata: object) -> list[Json]:
        """The events of an answer: in a new thread, or as a follow-up."""
        if thread:
            params = {"thread_id": thread, "input": said(text)}
            return self.stream("threads.add_user_message", params, **metadata)
        return self.stream("threads.create", {"input": said(text)}, **metadata)


def said(text: str) -> Json:
    """A message as ChatKit sends it."""
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}}


def kinds(events: Sequence[Json]) -> list[str]:
    """The types of events and of their updates, without repetition in a row."""
    names = [
        event.get("update", event)["type"].removeprefix("assistant_message.") for event in events
    ]
    return [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]


def items(events: Sequence[Json]) -> list[Json]:
    """The items that are whole."""
    return [event["item"] for event in events if event["type"] == "thread.item.done"]


def thread_of(events: Sequence[Json]) -> str:
    """The id of a new thread."""
    thread_id: str = events[0]["thread"]["id"]
    return thread_id


Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def gemini() -> Iterator[tuple[str, State]]:
    """The emulator's URL, and its state: what it was asked, and what is to go wrong."""
    app = gemini_app(delay_s=0.005)
    with serve_in_thread(app) as url:
        yield url, app.state


@pytest.fixture
def state(gemini: tuple[str, State]) -> Iterator[State]:
    """The emulator's state; nothing that goes wrong goes on after the test."""
    yield gemini[1]
    gemini[1].faults.clear()


@pytest.fixture(scope="session")
def qdrant() -> Iterator[tuple[str, State]]:
    """As `gemini`, for a Qdrant server."""
    app = qdrant_app()
    with serve_in_thread(app) as url:
        yield url, app.state


@pytest.fixture
def qdrant_state(qdrant: tuple[str, State]) -> Iterator[State]:
    """As `state`, for the Qdrant server."""
    yield qdrant[1]
    qdrant[1].faults.clear()


@pytest.fixture(scope="session")
def configuration(gemini: tuple[str, State], qdrant: tuple[str, State]) -> dict[str, str]:
    """A complete one, with the test site indexed in a Qdrant server."""
    complete = {
        "GEMINI_API_KEY": "test-key",
        "GEMINI_BASE_URL": gemini[0],
        "QDRANT_HOST": qdrant[0],
        "ALLOWED_ORIGINS": ORIGIN,
        "RATE_LIMIT_PER_MINUTE": "0",
        "CHATKIT": "on",
        "FIRST_TOKEN_DEADLINE_S": "50",  # a loaded machine is no failure
        "PYTHONPATH": str(ROOT),
    }
    reading = read(ROOT / "tests/site", site_url=SITE_URL)
    report = asyncio.run(publish(reading, Runtime(lambda: complete), Console(quiet=True)))
    assert report.published
    return complete


@pytest.fixture(scope="session")
def serve(sdk_python: Path, configuration: dict[str, str], empty_folder: Path) -> Serve:  # noqa: F811
    """Starts the function with ChatKit switched on; yields its URL."""

    @contextmanager
    def started(log: Path | None = None, **changes: str) -> Iterator[str]:
        variables = {**configuration, **changes}
        with functions_framework(
            "chat", variables, python=sdk_python, cwd=empty_folder, log=log
        ) as url:
            # Its SDK is imported now, and no answer's deadline runs meanwhile.
            httpx.post(f"{url}/chatkit", json={"type": "threads.list", "params": {}}, timeout=60)
            yield url

    return started


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server of `page` writes."""
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="session")
def page(serve: Serve, check: Check, log: Path) -> Iterator[Page]:
    """A page that carries its threads, with a server that speaks German, too."""
    german = {"de": {"searching": "Ich suche in der Dokumentation…"}}
    with serve(log, WORDINGS=json.dumps(german)) as url:
        yield Page(url, check)


def lines_of(log: Path, message: str) -> list[Json]:
    """The lines of a kind in a server's log."""
    written = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    return [line for line in written if line.get("message") == message]


def within(seconds: float, holds: Callable[[], object]) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not holds():
        time.sleep(0.02)
    return bool(holds())


def problem_of(response: httpx.Response) -> tuple[int, str]:
    """Status and type of a well-formed problem."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["type"].removeprefix("urn:docchat:problem:")
