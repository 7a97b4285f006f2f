"""Many questions at once, from a process of its own that costs next to nothing.

    python -m benchmarks.chat.load http://127.0.0.1:8080 --streams 80 --requests 320
    python -m benchmarks.chat.load http://127.0.0.1:8080 --streams 500 --hold

The first prints what was seen, as JSON. The second opens all at once, prints how many answers have
begun and holds them.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
QUESTION = "What happens when the docs do not cover a question?"
TOKEN = b'"text-delta"'
"""What stands in an answer's first token and not before."""
_END = b"data: [DONE]"
_MOST_S = 60.0
_HOLD_S = 15.0
"""Who has not begun to answer by then does not hold the stream."""


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

    def __init__(self) -> None:
        self._read = bytearray()
        self.began_s, self.first_s = time.perf_counter(), 0.0
        loop = asyncio.get_running_loop()
        self.begun, self.ended = loop.create_future(), loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket's
        self.transport = transport
        transport.write(request(f"{QUESTION[:-1]} {secrets.token_hex(3)}?"))

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self.first_s and TOKEN in self._read:
            self.first_s = time.perf_counter() - self.began_s
            self.begun.set_result(None)

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
    seen, failed, left = Seen(), Counter[str](), iter(range(requests))

    async def client() -> None:
        for _ in left:
            asking = _Asking()
            problem = await _whole(asking, url)
            if problem:
                failed[problem] += 1
                continue
            seen.first_s.append(asking.first_s)
            seen.whole_s.append(time.perf_counter() - asking.began_s)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(streams)))
    seen.wall_s, seen.failed = time.perf_counter() - began, dict(failed)
    return seen


async def _whole(asking: _Asking, url: str) -> str:
    """Ask and read to the end; why there is no answer, or nothing."""
    try:
        async with asyncio.timeout(_MOST_S):
            await _connect(asking, url)
            await asking.ended
    except (OSError, TimeoutError) as exc:
        return type(exc).__name__
    return asking.problem


async def _connect(asking: _Asking, url: str) -> None:
    where, loop = urlsplit(url), asyncio.get_running_loop()
    await loop.create_connection(lambda: asking, where.hostname or "", where.port or 80)


async def hold(url: str, streams: int) -> None:
    """Print how many of so many answers have begun when all have or 15 s have passed, and wait."""
    asking = [_Asking() for _ in range(streams)]
    await asyncio.gather(*(_connect(one, url) for one in asking))
    await asyncio.wait([one.begun for one in asking], timeout=_HOLD_S)
    print(sum(one.begun.done() and not one.ended.done() for one in asking), flush=True)  # noqa: T201
    await asyncio.Event().wait()


def asked(url: str, streams: int, requests: int) -> Seen:
    """As `ask`, in a process of its own."""
    with _clients(url, f"--streams={streams}", f"--requests={requests}") as process:
        output, _ = process.communicate()
    return Seen(**json.loads(output))


@contextmanager
def held_open(url: str, streams: int) -> Iterator[int]:
    """As `hold`, for the length of the block; yields how many are open."""
    with _clients(url, f"--streams={streams}", "--hold") as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _clients(url: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.chat.load", url, *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this file


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat.load")
    parser.add_argument("url")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1)
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()
    if options.hold:
        asyncio.run(hold(options.url, options.streams))
    seen = asyncio.run(ask(options.url, options.streams, options.requests))
    print(json.dumps(asdict(seen)))  # noqa: T201


if __name__ == "__main__":
    main()
