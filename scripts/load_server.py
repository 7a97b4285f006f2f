"""The two functions as processes of their own, for the load tests."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
from rich.console import Console

from docchat.runtime import Runtime
from scripts import index_docs
from scripts.serve import ROOT, listen

_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where the functions answer, and the chat function's process id."""

    chat: str
    health: str
    pid: int


@dataclass(frozen=True, slots=True)
class Service:
    """Where it answers, and its process."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def _process(
    command: Sequence[str], environment: dict[str, str], stdout: int, python: str = sys.executable
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603 - our own programs
        [python, *command],
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=stdout,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=15)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def emulator(name: str, *options: str) -> Iterator[Service]:
    """`gemini` or `qdrant`, as a process of its own."""
    with _process(["-m", f"emulators.{name}", *options], {}, subprocess.PIPE) as process:
        yield Service(_first_line(process).split()[-1], process)


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    return process.stdout.readline()


def _free_port() -> int:
    with listen(0) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    delay_s: float, console: Console, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Both functions behind an emulator with that pause between pieces, docs/ indexed."""
    with ExitStack() as stack:
        variables = stack.enter_context(upstreams(delay_s, console, settings))
        chat = stack.enter_context(function("chat", "/chat", variables))
        health = stack.enter_context(function("health", "/health/live", variables))
        yield Server(chat.url, health.url, chat.process.pid)


@contextmanager
def upstreams(
    delay_s: float, console: Console, settings: Mapping[str, str] | None = None
) -> Iterator[dict[str, str]]:
    """The variables of functions behind an emulator and an index of docs/."""
    with (
        emulator("gemini", "--delay", str(delay_s)) as gemini,
        tempfile.TemporaryDirectory() as folder,
    ):
        variables = {
            "GEMINI_API_KEY": "load-test",
            "GEMINI_BASE_URL": gemini.url,
            "QDRANT_HOST": f"path:{folder}",
            "RATE_LIMIT_PER_MINUTE": "0",
            "MAX_STREAMS": "10000",
            **(settings or {}),
        }
        reading = index_docs.read(ROOT / "docs", site_url="https://docs.example.com")
        asyncio.run(index_docs.publish(reading, Runtime(lambda: variables), console))
        yield variables


@contextmanager
def function(
    name: str, path: str, variables: dict[str, str], log: int = subprocess.DEVNULL
) -> Iterator[Service]:
    """One function, once it answers on that path; `log` takes its log lines."""
    with starting(name, variables, log) as service:
        _wait(f"{service.url}{path}")
        yield service


@contextmanager
def starting(
    name: str,
    variables: dict[str, str],
    log: int = subprocess.DEVNULL,
    python: str = sys.executable,
) -> Iterator[Service]:
    """One function under that interpreter, before it answers."""
    port = _free_port()
    command = ["-m", "functions_framework", f"--target={name}", f"--port={port}"]
    source = [f"--source={ROOT / 'functions' / name / 'main.py'}", "--host=127.0.0.1"]
    with _process([*command, *source], variables, log, python) as process:
        yield Service(f"http://127.0.0.1:{port}", process)


def _wait(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the function did not start")
