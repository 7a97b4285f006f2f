"""Functions with emulators of everything behind them, each at the other end of a bad wire."""

import asyncio
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from starlette.applications import Starlette

from docchat.runtime import Runtime
from emulators import gemini, qdrant, secret_manager
from emulators.faults import Faults
from emulators.secret_manager import SecretStore
from emulators.server import serve_in_thread
from emulators.wire import Wire, bad_wire
from scripts.index_docs import publish, read
from tests.servers import ROOT, functions_framework

SITE_URL = "https://lighthouse.example.com/docs"


@dataclass(frozen=True, slots=True)
class Emulated:
    """A service: the emulator, its address, and the wire that the functions reach it over."""

    app: Starlette
    url: str
    wire: Wire

    @property
    def faults(self) -> Faults:
        """What is to go wrong in it, and what was asked of it."""
        faults: Faults = self.app.state.faults
        return faults

    def accepts(self, *keys: str) -> None:
        """These keys are valid from now on, and no other."""
        self.app.state.keys.valid = {*keys}

    def heal(self) -> None:
        """From now on all goes well."""
        self.faults.clear()
        self.wire.clear()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens for the length of the block."""
        self.wire.refuse()
        try:
            yield
        finally:
            self.wire.accept()


@dataclass(frozen=True, slots=True)
class Site:
    """A function as a process: its address, and where its log goes."""

    url: str
    log: Path

    def logged(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()


class Sites:
    """Sites by name, each started when a row first asks for it; they share the services.

    Attributes:
        key: Gemini's.
        qdrant_key: of the Qdrant server.

    Args:
        variables: a complete configuration.
        deadlines: short ones, for the site that waits for a Qdrant server that fails.
        folder: for the logs.
        stack: ends what was started.
    """

    def __init__(
        self,
        variables: dict[str, str],
        deadlines: dict[str, str],
        folder: Path,
        stack: ExitStack,
    ) -> None:
        self.key = variables["GEMINI_API_KEY"]
        self.qdrant_key = f"{self.key}-of-qdrant"
        self._variables = variables
        self._deadlines = deadlines
        self._folder = folder
        self._stack = stack

    @functools.cached_property
    def gemini(self) -> Emulated:
        """Gemini."""
        return self._emulated(gemini.create_app({self.key}))

    @functools.cached_property
    def qdrant(self) -> Emulated:
        """A Qdrant server with the test site in it."""
        emulated = self._emulated(qdrant.create_app(api_key=self.qdrant_key))
        variables = {**self._stored, "QDRANT_HOST": emulated.url}
        reading = read(ROOT / "tests/site", site_url=SITE_URL)
        asyncio.run(publish(reading, Runtime(lambda: variables), Console(quiet=True)))
        return emulated

    @functools.cached_property
    def secrets(self) -> Emulated:
        """Secret Manager."""
        return self._emulated(secret_manager.create_app({}))

    @property
    def store(self) -> SecretStore:
        """What Secret Manager keeps."""
        store: SecretStore = self.secrets.app.state.store
        return store

    @functools.cached_property
    def stored(self) -> Site:
        """The index is on a Qdrant server; the keys are in the environment."""
        return self.started("stored", self._deadlines)

    @functools.cached_property
    def cold(self) -> Site:
        """The keys are in Secret Manager, and no row lets them be read."""
        site = self.started("cold", self.with_secrets("cold"))
        for service in ("gemini", "qdrant"):
            self.store.rotate(f"cold-{service}", b"")  # a read that outlives its row finds nothing
        self.secrets.faults.add("access/cold-*", secret_manager.PERMISSION_DENIED)
        httpx.post(f"{site.url}/chat", json={"query": "Imports what it takes?"}, timeout=30)
        self.secrets.faults.clear()
        return site

    @functools.cached_property
    def warm(self) -> Site:
        """The keys are in Secret Manager, were read, and are read again five times a second."""
        return self.started("warm", {**self.with_secrets("warm"), "SECRET_TTL_S": "0.2"})

    @property
    def environment(self) -> dict[str, str]:
        """The configuration of `stored`."""
        return {**self._stored, "QDRANT_HOST": self.qdrant.wire.url}

    def with_secrets(self, name: str) -> dict[str, str]:
        """Variables that put the keys into secrets of that name, which are stored here."""
        self.store.rotate(f"{name}-gemini", self.key.encode())
        self.store.rotate(f"{name}-qdrant", self.qdrant_key.encode())
        version = f"projects/p/secrets/{name}-%s/versions/latest"
        return {
            "GEMINI_API_KEY": "",
            "QDRANT_API_KEY": "",
            "GEMINI_API_KEY_SECRET": version % "gemini",
            "QDRANT_API_KEY_SECRET": version % "qdrant",
            "SECRET_MANAGER_BASE_URL": self.secrets.wire.url,
        }

    def started(self, name: str, changes: dict[str, str] | None = None) -> Site:
        """A chat function of its own, to the end of all rows."""
        return self._stack.enter_context(self.running(name, changes))

    @contextmanager
    def running(
        self,
        name: str,
        changes: dict[str, str] | None = None,
        *,
        target: str = "chat",
        source: Path = ROOT,
    ) -> Iterator[Site]:
        """A function for the length of the block."""
        variables, log = {**self.environment, **(changes or {})}, self._folder / f"{name}.log"
        started = functions_framework(target, variables, source=source, cwd=self._folder, log=log)
        with started as url:
            yield Site(url, log)

    def heal(self) -> None:
        """From now on all goes well."""
        for service in (self.gemini, self.qdrant, self.secrets):
            service.heal()
        self.gemini.accepts(self.key)
        self.qdrant.accepts(self.qdrant_key)

    @property
    def _stored(self) -> dict[str, str]:
        gemini_url = {"GEMINI_BASE_URL": self.gemini.wire.url}
        return {**self._variables, **gemini_url, "QDRANT_API_KEY": self.qdrant_key}

    def _emulated(self, app: Starlette) -> Emulated:
        url = self._stack.enter_context(serve_in_thread(app))
        return Emulated(app, url, self._stack.enter_context(bad_wire(url)))


def earn_retries(site: Site) -> None:
    """Questions that need no model: a process may retry once for ten of them."""
    with httpx.Client(base_url=site.url) as client:
        for _ in range(20):
            assert client.post("/chat", json={"query": "hello"}).status_code == httpx.codes.OK


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in that time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()
