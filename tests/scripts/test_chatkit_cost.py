"""The figures of docs/chatkit.md, as far as they need no start of a server."""

import os

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
    before = pss_kib(os.getpid())
    held = b"x" * 30_000_000
    assert 25_000 < pss_kib(os.getpid()) - before < 40_000, len(held)
