"""Many questions at once, from a process of its own that costs next to nothing.

    python -m benchmarks.chat.load http://127.0.0.1:8080 --streams 80 --requests 320

Prints `open` once as many answers have begun as may be open, and what was seen, as JSON.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from benchmarks.chat.upstream import QUESTION
from scripts.serve import ROOT

TOKEN = b'"text-delta"'
"""What stands in an answer's first token and not before."""
_END = b"data: [DONE]"
_OPEN = "open"
_MOST_S = 60.0


@dataclass
class Seen:
    """What the clients saw.

    Attributes:
        first_s: seconds to each answer's first token, from before the connection.
        whole_s: seconds to its end.
        failed: what came of the rest, counted.
        wall_s: seconds from the first question to the last answer.
    """

    first_s: list[float] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    failed: dict[str, int] = field(default_factory=dict)
    wall_s: float = 0.0


def request(question: str) -> bytes:
    """A question on a connection of its own."""
    body = json.dumps({"query": question}).encode()
    return (
        "POST /chat HTTP/1.1\r\nHost: local\r\nConnection: close\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class _Asking(asyncio.Protocol):
    """A question no two of which are the same: an answer from a cache would not be one."""

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun = begun
        self._read = bytearray()
        self.began_s, self.first_s = time.perf_counter(), 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket's
        self.transport = transport
        transport.write(request(f"{QUESTION[:-1]} {secrets.token_hex(3)}?"))

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self.first_s and TOKEN in self._read:
            self.first_s = time.perf_counter() - self.began_s
            self._begun()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    @property
    def problem(self) -> str:
        """Why this is not an answer, or nothing."""
        if not self._read.startswith(b"HTTP/1.1 200"):
            return self._read[:15].decode(errors="replace") or "no reply"
        return "" if self.first_s and _END in self._read[-200:] else "broken off"


async def ask(url: str, streams: int, requests: int) -> Seen:
    """Ask so many questions, so many at once at most."""
    seen, where, left = Seen(), urlsplit(url), iter(range(requests))
    host, port = where.hostname or "", where.port or 80
    failed = Counter[str]()
    loop, begun = asyncio.get_running_loop(), iter(range(1, requests + 1))

    def note_begun() -> None:
        if next(begun) == streams:
            print(_OPEN, flush=True)  # noqa: T201

    async def client() -> None:
        for _ in left:
            asking = _Asking(note_begun)
            try:
                async with asyncio.timeout(_MOST_S):
                    await loop.create_connection(lambda: asking, host, port)  # noqa: B023
                    await asking.ended
            except (OSError, TimeoutError) as exc:
                failed[type(exc).__name__] += 1
                continue
            if asking.problem:
                failed[asking.problem] += 1
                continue
            seen.first_s.append(asking.first_s)
            seen.whole_s.append(time.perf_counter() - asking.began_s)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(streams)))
    seen.wall_s, seen.failed = time.perf_counter() - began, dict(failed)
    return seen


def asked(
    url: str, streams: int, requests: int, when_open: Callable[[], None] | None = None
) -> Seen:
    """As `ask`, in a process of its own.

    Args:
        url: the server's.
        streams: how many are open at once.
        requests: how many there are.
        when_open: called once so many have begun.
    """
    command = [sys.executable, "-m", "benchmarks.chat.load", url, f"--streams={streams}"]
    with subprocess.Popen(  # noqa: S603 - this file
        [*command, f"--requests={requests}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            if line.strip() != _OPEN:
                return Seen(**json.loads(line))
            if when_open:
                when_open()
    raise RuntimeError("the clients died")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat.load")
    parser.add_argument("url")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1)
    options = parser.parse_args()
    seen = asyncio.run(ask(options.url, options.streams, options.requests))
    print(json.dumps(asdict(seen)))  # noqa: T201


if __name__ == "__main__":
    main()
