"""Starts the functions as users do: real processes, real sockets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
_START_DEADLINE_S = 30.0
_kept: list[socket.socket] = []


def free_port() -> int:
    """A port on which nobody listens and which the OS gives to nobody else meanwhile.

    It stays bound without listening: a server that sets SO_REUSEADDR, as all of them do, can take
    it; a bind to port 0 can't.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _kept.append(keeper)
    port: int = keeper.getsockname()[1]
    return port


def clean_environment(variables: Mapping[str, str], *, covered: bool = False) -> dict[str, str]:
    """The variables on top of what any program needs, without the developer's own settings.

    Args:
        variables: the program's own.
        covered: whether its coverage is measured, which takes twice the time: where a few
            requests reach what nothing else does.
    """
    needed = ("PATH", "HOME", "LANG", *(("COVERAGE_",) if covered else ()))
    kept = {name: value for name, value in os.environ.items() if name.startswith(needed)}
    return {**kept, **variables}


@contextmanager
def functions_framework(
    target: str,
    variables: Mapping[str, str],
    *,
    source: Path = ROOT,
    python: Path = Path(sys.executable),
    cwd: Path | None = None,
    log: Path | None = None,
    covered: bool = False,
) -> Iterator[str]:
    """One function under the `functions-framework` command; yields its base URL once it answers.

    Args:
        target: `chat` or `health`.
        variables: its environment.
        source: the repository, or the folder of an unpacked archive.
        python: the interpreter whose environment has functions-framework.
        cwd: the working folder, where a `.env` would be read.
        log: file for what it prints.
        covered: as in `clean_environment`.
    """
    port = free_port()
    command = _command(python, target, source, port)
    environment = clean_environment(variables, covered=covered)
    url = f"http://127.0.0.1:{port}"
    with process_of(command, environment, cwd or source, log) as process:
        _wait_until_listening(url, process)
        yield url


def _command(python: Path, target: str, source: Path, port: int) -> list[str]:
    entry = source / f"functions/{target}/main.py"
    return [
        str(python.parent / "functions-framework"),
        f"--target={target}",
        f"--source={entry if entry.exists() else source / 'main.py'}",
        "--host=127.0.0.1",
        f"--port={port}",
    ]


@contextmanager
def silent_function(
    target: str, variables: Mapping[str, str], cwd: Path
) -> Iterator[tuple[str, int]]:
    """One function that nobody has asked anything yet; yields its URL and its process id."""
    port = free_port()
    command = _command(Path(sys.executable), target, ROOT, port)
    with process_of(command, clean_environment(variables), cwd, None) as process:
        yield f"http://127.0.0.1:{port}", process.pid


@contextmanager
def process_of(
    command: list[str], environment: Mapping[str, str], cwd: Path, log: Path | None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block; `log` is the file for what it prints."""
    with (log or Path(os.devnull)).open("w") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=15)


def _wait_until_listening(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.options(url, timeout=2.0)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start (exit code {process.poll()})")
