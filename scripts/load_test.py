"""Hold many streams at once and print what they cost.

    python -m scripts.load_test --streams 200

Starts the Gemini emulator and the chat function as processes of their own, on this machine alone,
indexes docs/ and opens all streams at once. Prints errors, the time to the first event against a
single stream's, and the function's CPU time and memory.

Exit codes: 0 every stream ended well, 1 some did not, 2 wrong arguments.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from scripts.load_server import running

OK, FAILED = 0, 1
QUESTION = "What happens when the docs do not cover a question?"
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: seconds to its first delta and to its end; `ended` if its last part says so."""

    first_s: float
    whole_s: float
    ended: bool


async def one(client: httpx.AsyncClient, url: str) -> Stream:
    """Ask once and read to the end."""
    began, first, parts = time.monotonic(), 0.0, list[str]()
    request = {"json": {"query": QUESTION}, "headers": {"Accept": "text/event-stream"}}
    try:
        async with client.stream("POST", f"{url}/chat", **request) as response:  # type: ignore[arg-type]
            async for line in response.aiter_lines():
                if '"text-delta"' in line:
                    first = first or time.monotonic() - began
                parts += [line] if line else []
    except httpx.HTTPError:
        parts = []
    answered = [*parts[-2:-1], ""][0]
    ended = '"outcome": "answered"' in answered and parts[-1] == "data: [DONE]"
    return Stream(first, time.monotonic() - began, ended)


async def many(url: str, count: int) -> list[Stream]:
    """So many streams at once."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=120) as client:
        return list(await asyncio.gather(*(one(client, url) for _ in range(count))))


def cost(pid: int) -> tuple[float, int]:
    """CPU seconds and resident KiB of a process and its children; Linux only."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    below = [cost(int(child)) for child in children]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / _TICKS
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KIB
    return own + sum(cpu for cpu, _ in below), resident + sum(kib for _, kib in below)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(url: str, pid: int, streams: int, console: Console) -> bool:
    """Print the table; returns whether every stream ended well."""
    alone = [asyncio.run(many(url, 1))[0] for _ in range(5)]
    before = cost(pid)
    together = asyncio.run(many(url, streams))
    after = cost(pid)
    baseline = statistics.median(stream.first_s for stream in alone)
    firsts = [stream.first_s for stream in together]
    table = Table("figure", "value", title=f"{streams} streams at once")
    table.add_row("errors", str(sum(not stream.ended for stream in together)))
    table.add_row("one stream alone: first event", f"{baseline * 1000:.0f} ms")
    table.add_row("one stream alone: whole", f"{statistics.median(s.whole_s for s in alone):.2f} s")
    for share in (0.5, 0.99):
        over = (percentile(firsts, share) - baseline) * 1000
        table.add_row(f"first event over that, p{share * 100:.0f}", f"{over:.0f} ms")
    table.add_row("whole, p99", f"{percentile([s.whole_s for s in together], 0.99):.2f} s")
    table.add_row("CPU a stream", f"{(after[0] - before[0]) / streams * 1000:.1f} ms")
    table.add_row("memory before, after", f"{before[1] // 1024} MiB, {after[1] // 1024} MiB")
    console.print(table)
    return all(stream.ended for stream in [*alone, *together])


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.load_test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streams", type=int, default=200, help="default: %(default)s")
    parser.add_argument(
        "--delay",
        type=float,
        default=0.05,
        help="seconds between two pieces (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    console = Console()
    with running(options.delay, console) as server:
        return OK if measure(server.chat, server.pid, options.streams, console) else FAILED


if __name__ == "__main__":
    sys.exit(main())
