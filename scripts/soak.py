"""Hold many streams open for minutes on end, and print errors and memory.

    python -m scripts.soak --streams 200 --minutes 10

Each of so many clients asks, reads its answer to the end, and asks again. Memory is looked at
every ten seconds, first when a tenth of the time is over.

Exit codes: 0 no error and memory grew by at most 5 %, 1 otherwise, 2 wrong arguments.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from scripts.endings import Client
from scripts.load_server import Server, running
from scripts.load_test import FAILED, OK, cost

_PAUSE_S = 0.1  # between two pieces of an answer
_WARM_UP = 0.1  # of the time
_LOOK_EVERY_S = 10.0
_MOST_GROWTH = 0.05


async def ask_on(url: str, until: float, endings: Counter[str]) -> None:
    """One client; they come one after the other within some seconds, as people do."""
    await asyncio.sleep(random.uniform(0, 5))  # noqa: S311 - no secret
    while time.monotonic() < until:
        client = Client(url)
        await client.ask()
        endings[client.ending()] += 1


async def memory(pid: int, seconds: float) -> list[int]:
    """Resident MiB of the function's processes, every ten seconds."""
    await asyncio.sleep(seconds * _WARM_UP)
    until, seen = time.monotonic() + seconds * (1 - _WARM_UP), []
    while time.monotonic() < until:
        seen.append(cost(pid)[1] // 1024)
        await asyncio.sleep(min(_LOOK_EVERY_S, max(0.0, until - time.monotonic())))
    return seen


async def soak(server: Server, streams: int, seconds: float) -> tuple[Counter[str], list[int]]:
    """How the answers ended, and the memory on the way."""
    endings, until = Counter[str](), time.monotonic() + seconds
    asking = asyncio.gather(*(ask_on(server.chat, until, endings) for _ in range(streams)))
    seen = await memory(server.pid, seconds)
    await asking
    return endings, seen


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streams", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=10, help="default: %(default)s")
    options = parser.parse_args(arguments)
    console = Console()
    with running(_PAUSE_S, console) as server:
        endings, seen = asyncio.run(soak(server, options.streams, options.minutes * 60))
    growth = max(seen) / seen[0] - 1
    table = Table(
        "figure", "value", title=f"{options.streams} streams, {options.minutes:g} minutes"
    )
    for ending, count in endings.most_common():
        table.add_row(ending, str(count))
    table.add_row("memory at first, at most, at last", f"{seen[0]}, {max(seen)}, {seen[-1]} MiB")
    table.add_row("growth", f"{growth:.1%}")
    console.print(table)
    return OK if set(endings) == {"done"} and growth <= _MOST_GROWTH else FAILED


if __name__ == "__main__":
    sys.exit(main())
