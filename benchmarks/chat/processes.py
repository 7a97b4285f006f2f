"""Servers as processes of their own, and what they take: processor time and memory. Linux only."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.serve import ROOT, listen

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_S = 15.0
_START_S = 30.0
_PAUSE_S = 0.002
_KEPT = ("PATH", "HOME", "LANG")
"""Of the environment: a shell's PYTHONDONTWRITEBYTECODE, say, would double every import."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server's process and where it listens, or soon will."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Of its root."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time, of the process and its children so far."""
        return sum(map(_cpu_s, _tree(self.process.pid)))

    @property
    def pss_kib(self) -> int:
        """Memory; what processes share is counted once."""
        return sum(map(_pss_kib, _tree(self.process.pid)))


@contextmanager
def started(
    command: Sequence[str], port: int, variables: Mapping[str, str], log: Path, folder: Path = ROOT
) -> Iterator[Running]:
    """A process for the length of the block; what it prints goes into `log`."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - programs of ours
            command, env={**environment, **variables}, cwd=folder, stdout=output, stderr=output
        )
    try:
        yield Running(process, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:  # it waits for streams that nobody reads any more
            process.kill()
            process.wait()


def connected(server: Running) -> socket.socket:
    """The first connection that the server takes; asks every 2 ms.

    Raises:
        RuntimeError: the process has ended, or does not listen within 30 seconds.
    """
    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", server.port), timeout=_START_S)
        except ConnectionRefusedError:
            time.sleep(_PAUSE_S)
    raise RuntimeError(f"{server.process.args!r} does not listen")


def free_port() -> int:
    """A port on which nobody listens."""
    with listen(0) as listener:
        port: int = listener.getsockname()[1]
        return port


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError("the system does not say how much memory there is")
