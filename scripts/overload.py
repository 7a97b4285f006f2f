"""Ask four times as much as one instance takes, and print how it holds.

    python -m scripts.overload --limit 80

So many clients ask without a pause; who is turned away waits as told and asks again. Beside them
the health function is asked 20 times a second. Prints how soon the turned away were told, how soon
health answered, and how long after the load a single question took as long as before it.

Exit codes: 0 nobody got anything but an answer or a refusal, 1 somebody did, 2 wrong arguments.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from scripts.load_server import Server, running
from scripts.load_test import FAILED, OK, QUESTION, percentile

TIMES = 4
_PAUSE_S = 0.1  # between two pieces of an answer
_BODY = json.dumps({"query": QUESTION}).encode()
_OK_STATUS = 200
_ALONE = 5
_HEALTH_PAUSE_S = 0.05
_RECOVERY_S = 30.0
_AS_BEFORE = 2.0  # times the first event's usual time
_ENOUGH_S = 0.05  # and never less: a machine's noise


@dataclass
class Seen:
    """What the clients saw.

    Attributes:
        shed_s: seconds until a refusal was there whole, from the connection's start.
        first_s: seconds until an accepted question's first event.
        health_s: seconds until health answered.
        lag_s: how late this program itself was; what it measures is no better than that.
        outcomes: how the requests ended, counted.
    """

    shed_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)


async def exchange(url: str, head: str, body: bytes) -> tuple[int, bytes, float, float]:
    """One request on a connection of its own: status, body, seconds to the first and last byte.

    A client library would take more of this machine than the server does.
    """
    where, began = urlsplit(url), time.monotonic()
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        lines = f"{head} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{lines}{kind}Accept: text/event-stream\r\n\r\n".encode() + body)
        headers = await reader.readuntil(b"\r\n\r\n")
        first = time.monotonic() - began
        rest = await reader.read()
        return int(headers.split(b" ", 2)[1]), rest, first, time.monotonic() - began
    finally:
        writer.close()


async def ask_again_and_again(url: str, until: float, seen: Seen) -> None:
    """One client; they come within a second, as people do."""
    await asyncio.sleep(random.random())  # noqa: S311
    while time.monotonic() < until:
        status, answer, first, whole = await exchange(url, "POST /chat", _BODY)
        if status == 503 and b"problem:overloaded" in answer:  # noqa: PLR2004 - HTTP's
            seen.shed_s.append(whole)
            seen.outcomes["refused"] += 1
            await asyncio.sleep(1 + random.random())  # as Retry-After says, and not all at once  # noqa: S311
        elif b'"outcome": "answered"' in answer and b"data: [DONE]" in answer:
            seen.first_s.append(first)
            seen.outcomes["answered"] += 1
        else:
            seen.outcomes[f"failed: {status}"] += 1


async def watch(url: str, until: float, seen: Seen) -> None:
    """The health function, asked all the while."""
    while time.monotonic() < until:
        status, _, _, whole = await exchange(url, "GET /health/live", b"")
        seen.health_s.append(whole)
        seen.outcomes[f"health {status}"] += 1
        slept = time.monotonic()
        await asyncio.sleep(_HEALTH_PAUSE_S)
        seen.lag_s.append(time.monotonic() - slept - _HEALTH_PAUSE_S)


async def recovery(url: str, usual_s: float) -> float:
    """Seconds until a single question's first event comes as soon as before the load."""
    began = time.monotonic()
    while time.monotonic() - began < _RECOVERY_S:
        asked = time.monotonic() - began
        status, _, first, _ = await exchange(url, "POST /chat", _BODY)
        if status == _OK_STATUS and first < max(usual_s * _AS_BEFORE, usual_s + _ENOUGH_S):
            return asked
    return _RECOVERY_S


async def overload(server: Server, clients: int, seconds: float) -> Seen:
    """So many clients for so long."""
    seen, until = Seen(), time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(server.health, until, seen))
        for _ in range(clients):
            group.create_task(ask_again_and_again(server.chat, until, seen))
    return seen


def measure(server: Server, limit: int, seconds: float, console: Console) -> bool:
    """Print the table; returns whether every request was answered or refused as it should be."""
    usual = [asyncio.run(exchange(server.chat, "POST /chat", _BODY))[2] for _ in range(_ALONE)]
    usual_s = statistics.median(usual)
    seen = asyncio.run(overload(server, limit * TIMES, seconds))
    recovered_s = asyncio.run(recovery(server.chat, usual_s))
    table = Table("figure", "value", title=f"{limit * TIMES} clients, {limit} places, {seconds} s")
    for outcome, count in sorted(seen.outcomes.items()):
        table.add_row(outcome, str(count))
    rows = {
        "told that it is full": seen.shed_s,
        "health": seen.health_s,
        "first event of the accepted": seen.first_s,
        "this program's own lateness": seen.lag_s,
    }
    for name, values in rows.items():
        table.add_row(f"{name}, p50 / p99", _milliseconds(values))
    table.add_row("first event of a single question before", f"{usual_s * 1000:.0f} ms")
    table.add_row("as before again after", f"{recovered_s:.1f} s")
    console.print(table)
    return not any(outcome.startswith("failed") for outcome in seen.outcomes)


def _milliseconds(values: Sequence[float]) -> str:
    if not values:
        return "never"
    return " / ".join(f"{percentile(values, share) * 1000:.0f} ms" for share in (0.5, 0.99))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.overload",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--limit", type=int, default=80, help="MAX_STREAMS (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=15, help="default: %(default)s")
    options = parser.parse_args(arguments)
    console = Console()
    with running(_PAUSE_S, console, {"MAX_STREAMS": str(options.limit)}) as server:
        return OK if measure(server, options.limit, options.seconds, console) else FAILED


if __name__ == "__main__":
    sys.exit(main())
