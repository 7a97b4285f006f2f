"""End many open streams the hard way and count how they end.

    python -m scripts.endings sigterm     the instance is told to stop, and killed after 10 s
    python -m scripts.endings disconnect  every client leaves in the middle of its answer

Starts the Gemini emulator and the chat function as processes of their own, on this machine alone.

Exit codes: 0 everything ended as it should, 1 something did not, 2 wrong arguments.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.progress import track

from scripts.load_server import Service, function, upstreams
from scripts.load_test import FAILED, OK, QUESTION

GRACE_S = 10.0
"""Cloud Run kills an instance so long after it told it to stop."""

_PAUSE_S = 0.5  # between two pieces: an answer takes longer than the grace
_ALL_BEGUN_S = 60.0
_GONE_WITHIN_S = 2.0
_DONE = b"data: [DONE]\n\n"


class Client:
    """One open stream, read on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._where = urlsplit(url)
        self._begun = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self.read = b""

    async def ask(self) -> None:
        """Ask, and read to the end."""
        reader, self._writer = await asyncio.open_connection(self._where.hostname, self._where.port)
        body = json.dumps({"query": QUESTION}).encode()
        head = "POST /chat HTTP/1.0\r\nHost: local\r\nAccept: text/event-stream\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write((head + kind).encode() + body)
        try:
            while some := await reader.read(65_536):
                self.read += some
                self._begun.set()
        except ConnectionError:
            self.read += b" connection reset"
        finally:
            self._begun.set()
            self._writer.close()

    async def begun(self) -> None:
        """Returns when something of the answer is there."""
        await self._begun.wait()

    def leave(self) -> None:
        """Cut the connection."""
        if self._writer:
            self._writer.transport.abort()

    def ending(self) -> str:
        """How the stream ended, in a word or two; "without a word" is what must not be."""
        status = self.read.split(b" ", 2)[1:2]
        if status != [b"200"]:
            typed = b"urn:docchat:problem:" in self.read
            return "a typed error before it began" if typed else "without a word"
        if self.read.count(_DONE) != 1 or not self.read.endswith(_DONE):
            return "without a word"
        if b'"type": "error"' in self.read:
            return "a typed error"
        return "done" if b'"type": "finish"' in self.read else "without a word"


async def _open(url: str, count: int) -> tuple[list[Client], "asyncio.Future[list[None]]"]:
    clients = [Client(url) for _ in range(count)]
    asking = asyncio.gather(*(client.ask() for client in clients))
    async with asyncio.timeout(_ALL_BEGUN_S):
        await asyncio.gather(*(client.begun() for client in clients))
    return clients, asking


async def told_to_stop(chat: Service, streams: int) -> tuple[Counter[str], int, float]:
    """How open streams end after SIGTERM, the exit code, and the seconds until the exit."""
    clients, asking = await _open(chat.url, streams)
    began = time.monotonic()
    chat.process.send_signal(signal.SIGTERM)
    try:
        code = await asyncio.to_thread(chat.process.wait, GRACE_S)
    except subprocess.TimeoutExpired:
        chat.process.kill()
        code = chat.process.wait()
    took_s = time.monotonic() - began
    await asking
    return Counter(client.ending() for client in clients), code, took_s


def sigterm(variables: dict[str, str], rounds: int, streams: int, console: Console) -> bool:
    """So many rounds; prints what came of the streams."""
    endings, codes, longest_s = Counter[str](), Counter[int](), 0.0
    for _ in track(range(rounds), "rounds", console=console, disable=not console.is_terminal):
        with function("chat", "/chat", variables) as chat:
            ended, code, took_s = asyncio.run(told_to_stop(chat, streams))
        endings, longest_s = endings + ended, max(longest_s, took_s)
        codes[code] += 1
    for ending, count in endings.most_common():
        console.print(f"{ending}: {count} of {rounds * streams}")
    console.print(f"exit codes: {dict(codes)}; the slowest exit took {longest_s:.1f} s")
    return not endings["without a word"] and set(codes) == {0}


async def all_leave(chat: Service, gemini_url: str, streams: int) -> int:
    """How many streams Gemini still has open some seconds after every client has left."""
    clients, asking = await _open(chat.url, streams)
    for client in clients:
        client.leave()
    await asyncio.sleep(_GONE_WITHIN_S)
    async with httpx.AsyncClient() as http:
        stats = (await http.get(f"{gemini_url}/_emulator/stats")).json()
    await asking
    return int(stats["open_streams"])


def disconnect(variables: dict[str, str], rounds: int, streams: int, console: Console) -> bool:
    """So many rounds; prints what stayed open and what was logged."""
    still_open = 0
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as file, function("chat", "/chat", variables, file.fileno()) as chat:
            for _ in range(rounds):
                gemini_url = variables["GEMINI_BASE_URL"]
                still_open += asyncio.run(all_leave(chat, gemini_url, streams))
        lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    severities = Counter(line["severity"] for line in lines)
    aborted = sum(line.get("aborted", False) for line in lines)
    console.print(f"{rounds * streams} clients left; {aborted} lines say so")
    console.print(f"streams still open at Gemini after {_GONE_WITHIN_S:.0f} s: {still_open}")
    problems = Counter(line["problem"] for line in lines if "problem" in line)
    console.print(f"log lines: {dict(severities)}; problems in them: {dict(problems)}")
    return not still_open and set(severities) <= {"INFO"} and aborted == rounds * streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.endings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("how", choices=("sigterm", "disconnect"))
    parser.add_argument("--rounds", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--streams", type=int, default=200, help="default: %(default)s")
    options = parser.parse_args(arguments)
    console = Console()
    run = {"sigterm": sigterm, "disconnect": disconnect}[options.how]
    with upstreams(_PAUSE_S, console) as variables:
        return OK if run(variables, options.rounds, options.streams, console) else FAILED


if __name__ == "__main__":
    sys.exit(main())
