"""From the start of a process to the port, to its first answer to a GET, to its first token."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.chat.candidates import Candidate
from benchmarks.chat.load import QUESTION, TOKEN, request
from benchmarks.chat.processes import Running, connected, free_port, started

_OK = b"HTTP/1.1 200"


@contextmanager
def running(candidate: Candidate, log: Path) -> Iterator[Running]:
    """The candidate's process for the length of the block."""
    port = free_port()
    with started(
        candidate.command(port), port, candidate.variables, log, candidate.folder
    ) as server:
        yield server


def measure(candidate: Candidate, log: Path) -> dict[str, float]:
    """Milliseconds; each in a process of its own, for a question comes without a GET before it."""
    get = f"GET {candidate.alive} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n".encode()
    listening_ms, alive_ms = _until(candidate, log, get, _OK)
    _, token_ms = _until(candidate, log, request(QUESTION), TOKEN)
    return {"listening_ms": listening_ms, "health_ms": alive_ms, "token_ms": token_ms}


def measure_health(candidate: Candidate, log: Path) -> dict[str, float]:
    """The same of a function that answers no question."""
    get = f"GET {candidate.alive} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n".encode()
    listening_ms, alive_ms = _until(candidate, log, get, _OK)
    return {"listening_ms": listening_ms, "health_ms": alive_ms}


def _until(candidate: Candidate, log: Path, sent: bytes, wanted: bytes) -> tuple[float, float]:
    """Until the port is open, and until the reply has what is wanted."""
    began = time.perf_counter()
    with running(candidate, log) as server, connected(server) as connection:
        listening = time.perf_counter()
        connection.sendall(sent)
        _read(connection, wanted, candidate.name)
        answered = time.perf_counter()
    return (listening - began) * 1000, (answered - began) * 1000


def _read(connection: socket.socket, wanted: bytes, name: str) -> None:
    read = bytearray()
    while wanted not in read:
        got = connection.recv(65536)
        if not got:
            raise RuntimeError(f"{name} answered {bytes(read[:300])!r}")
        read += got
