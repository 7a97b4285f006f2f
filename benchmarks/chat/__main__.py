"""docchat's chat beside its peers: start, cost of an answer, many streams, memory.

    python -m benchmarks.chat

Needs the environments that `make bench` makes. Each round runs every candidate once, in another
order. All ask the same process for Gemini's and Qdrant's answers, and each figure is a median over
the rounds. Writes every figure into build/bench.json.
"""

import argparse
import itertools
import os
import platform
import random
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.chat import allocations, plots, report, requests, startup, streams, workers
from benchmarks.chat.candidates import BARE, HEALTH, Candidate, candidates, health
from benchmarks.chat.ground import Ground, prepared
from benchmarks.chat.results import Results
from scripts.serve import ROOT

_RESULTS = ROOT / "build/bench.json"
_PHASES = ("startup", "requests", "streams", "workers", "allocations")
_COUNTS = {"allocations"}  # hardly differ between rounds

Measure = Callable[[], dict[str, float]]


def main() -> None:
    """Entry point."""
    options = _options()
    console = Console(width=180)
    results = Results.load(options.out) if options.report else _new()
    if not options.report:
        with prepared(console) as ground:
            _run(ground, options, results, console)
    report.show(results, console)
    if options.docs:
        report.write(results, plots.write(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chat",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=_PHASES, action="append", help="may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="fewer requests in a round")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="default: build/bench.json")
    parser.add_argument("--report", action="store_true", help="measure nothing, read that file")
    parser.add_argument(
        "--docs", action="store_true", help="write docs/benchmarks.md and its plots"
    )
    return parser.parse_args()


def _new() -> Results:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores shared by everything"
    command = " ".join(["python -m benchmarks.chat", *sys.argv[1:]])
    return Results(f"{datetime.now(UTC):%Y-%m-%d}", command, machine)


def _run(ground: Ground, options: argparse.Namespace, results: Results, console: Console) -> None:
    """All rounds; what there is so far is kept after each candidate."""
    phases = _phases(ground, quick=options.quick)
    for name in itertools.chain.from_iterable(phases.values()):
        results.add(name, {})  # for the tables' order
    for number in range(options.rounds):
        for phase in options.only or _PHASES:
            if number and phase in _COUNTS:
                continue
            measures = list(phases[phase].items())
            if number == 0 and phase == "startup":
                _warm(measures)
            random.shuffle(measures)
            for name, measure in measures:
                console.print(f"round {number + 1}: {phase} of {name}", style="dim")
                results.add(name, measure())
                results.save(options.out)


def _warm(measures: list[tuple[str, Measure]]) -> None:
    """Read every file once: the first start of all is the disk's."""
    for _, measure in measures:
        measure()


def _phases(ground: Ground, *, quick: bool) -> Mapping[str, Mapping[str, Measure]]:
    """Phase → candidate → what measures it."""
    all_ = candidates(ground.upstream, ground.index, ground.functions)
    sizes = requests.QUICK if quick else requests.Sizes()
    count = streams.QUICK if quick else streams.STREAMS

    def each(measure: Callable[[Candidate], dict[str, float]]) -> dict[str, Measure]:
        return {one.name: partial(measure, one) for one in all_}

    alone = partial(startup.measure_health, health(ground.upstream, ground.functions), ground.log)
    bare = partial(streams.bare, ground, count)
    ours = [one for one in all_ if one.name in workers.CANDIDATES]
    return {
        "startup": {**each(lambda one: startup.measure(one, ground.log)), HEALTH: alone},
        "requests": each(lambda one: requests.measure(one, ground, sizes)),
        "streams": {**each(lambda one: streams.measure(one, ground, count)), BARE: bare},
        "allocations": each(lambda one: allocations.measure(one, ground)),
        "workers": {one.name: partial(workers.measure, one, ground, sizes) for one in ours},
    }


if __name__ == "__main__":
    main()
