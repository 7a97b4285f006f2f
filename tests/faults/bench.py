"""The servers that the rows are run against, each started when a row first asks for it."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from emulators.faults import Faults
from emulators.gemini import Stats, create_app
from emulators.secret_manager import SecretStore
from emulators.secret_manager import create_app as secret_manager
from emulators.server import serve_in_thread
from emulators.wire import Wire, bad_wire
from tests.faults.sites import Sites
from tests.faults.wire import CANARY, Answer, connect, exchange, receive, request
from tests.servers import ROOT, clean_environment, free_port, functions_framework

KEY = "key-that-nobody-may-see"
CALLER_KEY = "key-of-a-caller"
LISTED_ORIGINS = (
    "https://docs.example.com",
    "https://xn--bcher-kva.example",
    "http://localhost:3000",
)
PIECE_S = 0.25
"""What the slow model takes for each piece; an answer has a dozen or more."""

ANSWER_S, FIRST_TOKEN_S, CALL_S, IDLE_S = 5.0, 4.0, 1.5, 1.0
"""The deadlines of the servers that wait for a Gemini that fails."""

SECRET = "gemini-key"
_DEADLINES = {
    "ANSWER_DEADLINE_S": str(ANSWER_S),
    "FIRST_TOKEN_DEADLINE_S": str(FIRST_TOKEN_S),
    "EMBED_TIMEOUT_S": str(CALL_S),
    "SEARCH_TIMEOUT_S": str(CALL_S),
    "GENERATE_TIMEOUT_S": str(CALL_S),
    "IDLE_TIMEOUT_S": str(IDLE_S),
    "API_KEY": CALLER_KEY,
}

_HERE = Path(__file__).parent
_READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A function as a process, its log, the Gemini behind it and the wire between the two."""

    url: str
    log: Path
    emulator: Starlette
    wire: Wire

    @property
    def stats(self) -> Stats:
        """What was asked of the model."""
        stats: Stats = self.emulator.state.stats
        return stats

    @property
    def faults(self) -> Faults:
        """What is to go wrong in the model."""
        faults: Faults = self.emulator.state.faults
        return faults

    def ask(self, raw: bytes) -> Answer:
        """What the server answers to these bytes."""
        return exchange(self.url, raw)


class Bench:
    """Servers by name. `variables` is a complete configuration."""

    def __init__(self, variables: dict[str, str], folder: Path, stack: ExitStack) -> None:
        self._variables = {**variables, "RATE_LIMIT_PER_MINUTE": "0", "GEMINI_API_KEY": KEY}
        self._folder = folder
        self._stack = stack
        pool = stack.enter_context(ThreadPoolExecutor(1))
        self.late_body: Future[tuple[float, Answer]] = pool.submit(_send_half, self.fast.url)

    @functools.cached_property
    def fast(self) -> Server:
        """A model that answers at once."""
        return self._serve("fast")

    @functools.cached_property
    def slow(self) -> Server:
        """A model that takes its time, and room for two answers."""
        return self._serve("slow", {"MAX_STREAMS": "2"}, piece_s=PIECE_S)

    @functools.cached_property
    def limited(self) -> Server:
        """Two requests at once and one a minute, the client told by the last proxy."""
        rate = {"RATE_LIMIT_PER_MINUTE": "1", "RATE_LIMIT_BURST": "2", "FORWARDED_FOR_ENTRY": "1"}
        return self._serve("limited", rate)

    @functools.cached_property
    def origins(self) -> Server:
        """Another list of pages that may ask."""
        return self._serve("origins", {"ALLOWED_ORIGINS": ",".join(LISTED_ORIGINS)})

    @functools.cached_property
    def gemini(self) -> Server:
        """A Gemini that fails as it is told, and short deadlines."""
        return self._serve("gemini", _DEADLINES)

    @functools.cached_property
    def secrets(self) -> SecretStore:
        """What Secret Manager keeps for `rotating`."""
        return SecretStore({SECRET: [KEY.encode()]})

    @functools.cached_property
    def rotating(self) -> Server:
        """The key comes from Secret Manager, and is read again when it is refused."""
        manager = self._stack.enter_context(serve_in_thread(secret_manager(self.secrets)))
        named = {
            "GEMINI_API_KEY": "",
            "GEMINI_API_KEY_SECRET": f"projects/p/secrets/{SECRET}/versions/latest",
            "SECRET_MANAGER_BASE_URL": manager,
        }
        patient = {"ANSWER_DEADLINE_S": "20", "IDLE_TIMEOUT_S": "5"}  # its rows are not about these
        return self._serve("rotating", {**_DEADLINES, **patient, **named})

    @functools.cached_property
    def sites(self) -> Sites:
        """Functions whose index and keys are behind emulators, too."""
        variables = {**self._variables, "API_KEY": CALLER_KEY}
        return Sites(variables, _DEADLINES, self._folder, self._stack)

    @functools.cached_property
    def health(self) -> Server:
        """The health function."""
        return self._serve("health", target="health")

    @functools.cached_property
    def broken(self) -> Server:
        """Handlers that raise what nobody expects."""
        return self._serve("broken", source=_HERE / "broken")

    def logs(self) -> str:
        """What all servers have printed so far."""
        return "".join(path.read_text() for path in self._folder.glob("*.log"))

    @contextmanager
    def mortal(
        self, *, piece_s: float, changes: dict[str, str] | None = None
    ) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
        """A server of the row's own, to be stopped; the model takes so long for each piece."""
        app = create_app([KEY], delay_s=piece_s)
        log = self._folder / "mortal.log"
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with serve_in_thread(app) as gemini, bad_wire(gemini) as wire, log.open("w") as output:
            process = subprocess.Popen(
                [
                    Path(sys.executable).with_name("functions-framework"),
                    "--target=chat",
                    f"--source={ROOT / 'functions/chat/main.py'}",
                    "--host=127.0.0.1",
                    f"--port={port}",
                ],
                env=clean_environment(
                    {**self._variables, "GEMINI_BASE_URL": wire.url, **(changes or {})}
                ),
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                _wait_until_ready(url)
                yield Server(url, log, app, wire), process
            finally:
                process.terminate()  # killed, it would leave its worker behind
                process.wait(40)

    def _serve(
        self,
        name: str,
        changes: dict[str, str] | None = None,
        *,
        piece_s: float = 0.0,
        target: str = "chat",
        source: Path = ROOT,
    ) -> Server:
        app = create_app([KEY], delay_s=piece_s)
        wire = self._stack.enter_context(bad_wire(self._stack.enter_context(serve_in_thread(app))))
        log = self._folder / f"{name}.log"
        variables = {**self._variables, "GEMINI_BASE_URL": wire.url, **(changes or {})}
        started = functions_framework(target, variables, source=source, cwd=self._folder, log=log)
        return Server(self._stack.enter_context(started), log, app, wire)


def terminate(process: subprocess.Popen[bytes]) -> None:
    """What the platform sends before it takes an instance away."""
    os.kill(process.pid, signal.SIGTERM)


def _send_half(url: str) -> tuple[float, Answer]:
    """Seconds until the answer to a body that never ends, and that answer."""
    head = request("POST", headers={"content-type": "application/json", "content-length": "100"})
    started = time.monotonic()
    with connect(url) as connection:
        connection.sendall(head + b'{"query": "' + CANARY.encode())
        answer = receive(connection)
    return time.monotonic() - started, answer


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            exchange(url, request("OPTIONS"))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
