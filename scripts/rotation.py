"""Change Gemini's key three times under load, then take Secret Manager away under load.

    python -m scripts.rotation --seconds 60

Both keys are valid until the time to live is over; then the old one is refused and its version
disabled. Prints what came of the questions of each part: none may fail.

Exit codes: 0 no question failed, 1 some did or a new key was not used, 2 wrong arguments.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette

from emulators import gemini, secret_manager
from emulators.server import serve_in_thread
from emulators.wire import Wire, bad_wire
from scripts.load_server import Server, running
from scripts.load_test import FAILED, OK, Stream, one, percentile

_SECRET = "gemini"  # noqa: S105 - its name
_ROTATIONS = 3
_PAUSE_S = 0.02  # between two pieces of an answer
_IN_USE_S = 30.0


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind the function: Gemini, Secret Manager, and the wire to the latter."""

    gemini: Starlette
    secrets: Starlette
    wire: Wire

    def start(self, key: str) -> int:
        """A new key, valid beside the old one; returns its version."""
        self.gemini.state.keys.valid = {*self.gemini.state.keys.valid, key}
        version: int = self.secrets.state.store.rotate(_SECRET, key.encode())
        return version

    def retire_all_but(self, key: str, version: int) -> None:
        """The older keys are refused, and the version before this one cannot be read."""
        self.gemini.state.keys.valid = {key}
        self.secrets.state.store.disable(_SECRET, version - 1)

    def used(self, key: str) -> bool:
        """Whether Gemini was asked with this key."""
        return bool(self.gemini.state.faults.places_of(key))


@contextmanager
def site(ttl_s: float, console: Console) -> Iterator[tuple[Behind, Server]]:
    """The function, with its key in Secret Manager."""
    app = gemini.create_app({"key-0"}, delay_s=_PAUSE_S)
    secrets = secret_manager.create_app({_SECRET: [b"key-0"]})
    with ExitStack() as stack:
        gemini_url = stack.enter_context(serve_in_thread(app))
        wire = stack.enter_context(bad_wire(stack.enter_context(serve_in_thread(secrets))))
        settings = {
            "GEMINI_BASE_URL": gemini_url,
            "GEMINI_API_KEY_SECRET": f"projects/local/secrets/{_SECRET}/versions/latest",
            "SECRET_MANAGER_BASE_URL": wire.url,
            "SECRET_TTL_S": str(ttl_s),
        }
        server = stack.enter_context(running(_PAUSE_S, console, settings))
        yield Behind(app, secrets, wire), server


async def rotations(behind: Behind, seconds: float, ttl_s: float) -> bool:
    """Rotate as an operator would; returns whether each new key came into use."""
    for number in range(1, _ROTATIONS + 1):
        key = f"key-{number}"
        version = behind.start(key)
        await asyncio.sleep(max(ttl_s, seconds / _ROTATIONS))
        deadline = time.monotonic() + _IN_USE_S
        while not behind.used(key):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        behind.retire_all_but(key, version)
    await asyncio.sleep(2 * ttl_s)
    return True


async def outage(behind: Behind, seconds: float) -> bool:
    """Nobody listens at Secret Manager's address for so long."""
    behind.wire.refuse()
    await asyncio.sleep(seconds)
    behind.wire.accept()
    return True


async def under_load(url: str, clients: int, event: Awaitable[bool]) -> tuple[bool, list[Stream]]:
    """What the event returned, and the answers of clients that asked without a pause."""
    streams: list[Stream] = []
    happening = asyncio.ensure_future(event)

    async def ask(client: httpx.AsyncClient) -> None:
        while not happening.done():
            streams.append(await one(client, url))

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        await asyncio.gather(happening, *(ask(client) for _ in range(clients)))
    return happening.result(), streams


def show(what: str, seconds: float, streams: Sequence[Stream], console: Console) -> bool:
    """Print a part's figures; returns whether every question was answered."""
    failed = sum(not stream.ended for stream in streams)
    firsts = [stream.first_s * 1000 for stream in streams]
    table = Table("figure", "value", title=f"{what}, {seconds:.0f} s")
    table.add_row("questions", str(len(streams)))
    table.add_row("failed", str(failed))
    for share in (0.5, 0.99, 1.0):
        table.add_row(f"first event, p{share * 100:.0f}", f"{percentile(firsts, share):.0f} ms")
    console.print(table)
    return bool(streams) and not failed


def measure(options: argparse.Namespace, console: Console) -> bool:
    """Both parts; returns whether all went well."""
    good = True
    with site(options.ttl, console) as (behind, server):
        parts = {
            "three rotations": rotations(behind, options.seconds, options.ttl),
            "Secret Manager down": outage(behind, options.seconds),
        }
        for what, event in parts.items():
            began = time.monotonic()
            went_well, streams = asyncio.run(under_load(server.chat, options.clients, event))
            good &= show(what, time.monotonic() - began, streams, console) and went_well
        reads = behind.secrets.state.faults.calls.total()
        console.print(f"Secret Manager was asked {reads} times")
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.rotation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60, help="of each part: %(default)s")
    parser.add_argument("--ttl", type=float, default=5, help="SECRET_TTL_S: %(default)s")
    parser.add_argument("--clients", type=int, default=10, help="at a time: %(default)s")
    options = parser.parse_args(arguments)
    return OK if measure(options, Console()) else FAILED


if __name__ == "__main__":
    sys.exit(main())
