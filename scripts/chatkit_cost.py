"""What ChatKit takes, off and on: cold starts, memory, modules; everything else is equal.

    python -m scripts.chatkit_cost

A cold start is a new process that is asked as soon as it listens; with ChatKit on, ChatKit asks.
Gemini is the emulator, which does not hesitate. `make test` installs ChatKit's packages.
"""

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from scripts.load_server import Service, starting, upstreams
from scripts.load_test import cost
from scripts.serve import ROOT

PYTHON = ROOT / ".local/venvs/chatkit/bin/python"
QUESTION = "How do I index my own docs?"
_START_S = 30.0
_CHATKIT: dict[str, Any] = {
    "type": "threads.create",
    "params": {
        "input": {
            "content": [{"type": "input_text", "text": QUESTION}],
            "attachments": [],
            "inference_options": {},
        }
    },
}
_MESSAGES = {"messages": [{"role": "user", "content": QUESTION}]}
_MODULES = """
import sys, docchat.service
before = len(sys.modules)
import docchat.web.chatkit.endpoint
print(before, len(sys.modules))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start.

    Attributes:
        event_s: from the process's start to the first event of the answer.
        words_s: to its first words.
        cpu_s: processor time until it is over.
        pss_mib: what its processes have of the memory when it is over.
    """

    event_s: float
    words_s: float
    cpu_s: float
    pss_mib: float


def cold_start(python: str, variables: dict[str, str], path: str, body: dict[str, Any]) -> Start:
    """Start the function, ask, read to the end."""
    begun = time.monotonic()
    with starting("chat", variables, python=python) as service:
        event_s, words_s = _asked(service, path, body, begun)
        pid = service.process.pid
        return Start(event_s, words_s, cost(pid)[0], pss_kib(pid) / 1024)


def _asked(service: Service, path: str, body: dict[str, Any], begun: float) -> tuple[float, float]:
    while True:
        try:
            return _read(f"{service.url}{path}", body, begun)
        except httpx.ConnectError:
            if time.monotonic() > begun + _START_S:
                raise
            time.sleep(0.01)


def _read(url: str, body: dict[str, Any], begun: float) -> tuple[float, float]:
    event_s = words_s = 0.0
    with httpx.stream("POST", url, json=body, timeout=_START_S) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data:"):
                event_s = event_s or time.monotonic() - begun
                if '"delta":' in line:
                    words_s = words_s or time.monotonic() - begun
    return event_s, words_s


def pss_kib(pid: int) -> int:
    """Proportional set size of a process and its children, in KiB; Linux only."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(pss_kib(int(child)) for child in children)


def modules(python: str) -> tuple[int, int]:
    """How many are imported by the chat function, without ChatKit and with it."""
    done = subprocess.run(  # noqa: S603 - our own program
        [python, "-c", _MODULES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    off, on = done.stdout.split()
    return int(off), int(on)


def report(off: list[Start], on: list[Start], imported: tuple[int, int]) -> Table:
    """The medians, side by side."""

    def row(what: str, form: str) -> list[str]:
        values = (statistics.median(getattr(one, what) for one in starts) for starts in (off, on))
        return [form.format(value) for value in values]

    table = Table("median", "off", "on", title=f"ChatKit, {len(on)} cold starts each")
    table.add_row("process start to first event", *row("event_s", "{:.2f} s"))
    table.add_row("process start to first words", *row("words_s", "{:.2f} s"))
    table.add_row("processor time until its end", *row("cpu_s", "{:.1f} s"))
    table.add_row("memory (PSS) after the answer", *row("pss_mib", "{:.0f} MiB"))
    table.add_row("modules imported", *map(str, imported))
    return table


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5, help="cold starts of each kind")
    parser.add_argument("--python", default=str(PYTHON), help="one that has ChatKit's packages")
    arguments = parser.parse_args()
    console = Console()
    off: list[Start] = []
    on: list[Start] = []
    with upstreams(0.0, Console(quiet=True)) as variables:
        for _ in range(arguments.rounds):  # in turns: what else the machine does is for both
            is_off = {**variables, "CHATKIT": "off"}
            off.append(cold_start(arguments.python, is_off, "/chat", _MESSAGES))
            is_on = {**variables, "CHATKIT": "on"}
            on.append(cold_start(arguments.python, is_on, "/chatkit", _CHATKIT))
    console.print(report(off, on, modules(arguments.python)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
