import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulators.server import serve_in_thread
from tests.clients.upstream import Upstream
from tests.functions.conftest import (  # noqa: F401 - fixtures: a configuration, the site indexed
    empty_folder,
    gemini_url,
    variables,
)
from tests.servers import functions_framework

KEY = "a-key-that-a-caller-chose"

FIRST = "How do I create a new signing key?"
SECOND = "And how do I remove the old one?"
SOURCES = {
    FIRST: "https://lighthouse.example.com/docs/guides/rotate-keys#new-key",
    SECOND: "https://lighthouse.example.com/docs/guides/rotate-keys#remove-the-old-key",
}


@dataclass(frozen=True)
class Server:
    """The chat function as a process, and the Gemini behind it."""

    url: str
    upstream: Upstream

    def open_upstream_streams(self, *, within_s: float) -> int:
        """0 as soon as there is none, or how many there still are."""
        deadline = time.monotonic() + within_s
        while self.upstream.stats.open_streams and time.monotonic() < deadline:
            time.sleep(0.02)
        open_streams: int = self.upstream.stats.open_streams
        return open_streams


Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def serve(variables: dict[str, str], empty_folder: Path) -> Serve:  # noqa: F811 - the fixtures
    """Starts a server that knows `KEY`, with these changes to its configuration."""

    @contextmanager
    def serving(changes: dict[str, str], *, delay_s: float = 0.01) -> Iterator[Server]:
        upstream = Upstream(delay_s=delay_s)
        with serve_in_thread(upstream) as gemini:
            complete = {**variables, "API_KEY": KEY, "GEMINI_BASE_URL": gemini, **changes}
            with functions_framework("chat", complete, cwd=empty_folder, covered=True) as url:
                yield Server(url, upstream)

    return serving


@pytest.fixture(scope="session")
def server(serve: Serve) -> Iterator[Server]:
    with serve({"RATE_LIMIT_PER_MINUTE": "0"}) as running:
        yield running


@pytest.fixture(scope="session")
def slow_server(serve: Serve) -> Iterator[Server]:
    """An answer to `FIRST` takes six seconds."""
    with serve({"RATE_LIMIT_PER_MINUTE": "0"}, delay_s=0.5) as running:
        yield running


@pytest.fixture
def strict_server(serve: Serve) -> Iterator[Server]:
    """One question a minute."""
    with serve({"RATE_LIMIT_BURST": "1", "RATE_LIMIT_PER_MINUTE": "1"}) as running:
        yield running
