"""The figures of docs/chatkit.md, as far as they need no start of a server."""

import subprocess
import sys

from rich.console import Console

from scripts.chatkit_cost import Start, pss_kib, report


def test_medians_stand_side_by_side() -> None:
    off = [Start(seconds, 1.0, 1.0, 100.0) for seconds in (0.5, 9.0, 0.7)]
    on = [Start(2.0, 2.5, 3.0, 200.0)] * 3
    console = Console(width=100)
    with console.capture() as said:
        console.print(report(off, on, (400, 1400)))
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in said.get().splitlines()
        if line.startswith("│")
    ]
    assert rows[0] == ["process start to first event", "0.70 s", "2.00 s"]
    assert rows[-2:] == [
        ["memory (PSS) after the answer", "100 MiB", "200 MiB"],
        ["modules imported", "400", "1400"],
    ]


def test_memory_is_that_of_the_process() -> None:
    holding = "held = b'x' * 60_000_000; print(flush=True); input()"
    command = [sys.executable, "-c", holding]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 58_000 < pss_kib(process.pid) < 90_000
        process.communicate(b"\n")
