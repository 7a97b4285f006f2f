"""Kill the indexer again and again, start it twice at once, and look at what is left.

    python -m scripts.index_trials --store qdrant --moments 200 --pairs 50
    python -m scripts.index_trials --store artifact --moments 100 --fetches 100 --changes 200

Every run is a process of its own; Gemini, Qdrant and Cloud Storage are emulators on sockets. After
each kill the run is repeated, and then the published ids must be those of a clean run, and no text
may have been embedded again whose batch was finished. A chat and a reader ask all the while: each
answer must come from one whole version. With `artifact`, processes that fetch are killed as well:
the next one must answer from the published version, and clear away what the dead one had unpacked.

Exit codes: 0 all of that holds, 1 it does not.
"""

import argparse
import asyncio
import functools
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from scripts.console import say
from scripts.trials.beside import asking
from scripts.trials.changing import changes
from scripts.trials.fetching import Fetch
from scripts.trials.runs import Run
from scripts.trials.stage import Stage, staged

OK, FAILED = 0, 1

_SETTLED_S = 0.2  # what a dead run had sent has arrived by then

Kill = Callable[[Run], None]


def killed_then_again(stage: Stage, kill: Kill) -> list[str]:
    """One trial; returns what does not hold."""
    stage.next_generation()
    run = stage.start()
    kill(run)
    run.kill()
    stage.gates.open()
    time.sleep(_SETTLED_S)
    finished, needed = stage.finished(), stage.needed()
    before = stage.texts_embedded
    code, report = stage.start().result()
    wrong = [] if code == 0 else [f"the second run ended with {code}: {report}"]
    if stage.published_ids() != stage.wanted_ids():
        wrong.append("the published ids are not those of a clean run")
    repeated = stage.texts_embedded - before - (needed - finished)
    if repeated > 0:  # fewer, when a dead run's call came late
        wrong.append(f"{repeated} texts of finished batches were embedded again")
    return wrong


def at_every_call(stage: Stage) -> Iterable[Kill]:
    """Kill when the nth call is made, before the server has it; and after, before the answer."""
    stage.next_generation()
    stage.gates.open()
    stage.start().result()
    for number in range(1, stage.gates.calls + 1):
        for executed in (False, True):

            def kill(run: Run, number: int = number, *, executed: bool = executed) -> None:
                stage.gates.stop_at(number, executed=executed)
                stage.gates.wait(run)

            yield kill


def at_moments(stage: Stage, count: int, dice: random.Random) -> Iterable[Kill]:
    """Kill at random moments of a run."""
    stage.next_generation()
    run = stage.start()
    run.result()
    for _ in range(count):
        moment = dice.uniform(0, run.seconds)
        yield functools.partial(_after, moment)


def _after(moment: float, run: Run) -> None:
    run.wait(moment)


def pair(stage: Stage, dice: random.Random) -> list[str]:
    """Two runs at almost the same time; returns what does not hold."""
    stage.next_generation()
    first = stage.start()
    first.wait(dice.uniform(0, first.usual_s))
    results = [first.result(), stage.start().result()] if first.ended else _both(stage, first)
    published = [report.get("published") for _, report in results].count(True)
    wrong = [] if published == 1 else [f"{published} runs published: {results}"]
    if not {code for code, _ in results} <= {0, 75}:
        wrong.append(f"exit codes {[code for code, _ in results]}")
    if stage.published_ids() != stage.wanted_ids():
        wrong.append("the published ids are not those of a clean run")
    return wrong


def _both(stage: Stage, first: Run) -> list[tuple[int, dict[str, object]]]:
    second = stage.start()
    return [first.result(), second.result()]


def fetch_killed(stage: Stage, temp: Path, moment: float) -> list[str]:
    """A process that fetches is killed, and another one fetches; returns what does not hold."""
    Fetch(*stage.artifact, temp).kill_after(moment)
    versions = Fetch(*stage.artifact, temp).found()
    wrong = [] if len(versions) == 1 else [f"the next process found {versions or 'nothing'}"]
    if left := [path.name for path in temp.iterdir()]:
        wrong.append(f"left behind: {left}")
    return wrong


def fetches(stage: Stage, count: int, dice: random.Random) -> Iterable[Callable[[], list[str]]]:
    """Kill processes that fetch at random moments."""
    temp = stage.site.with_name("temp")
    temp.mkdir()
    usual = Fetch(*stage.artifact, temp)
    usual.found()
    for _ in range(count):
        yield functools.partial(fetch_killed, stage, temp, dice.uniform(0, usual.seconds))


def changed(stage: Stage, count: int) -> list[str]:
    """An artifact changes so often under one process; returns what does not hold."""
    temp = stage.site.with_name("changing")
    temp.mkdir()
    stage.next_generation()
    stage.start().result()
    return asyncio.run(changes(stage, count, temp))


def kinds(
    stage: Stage, options: argparse.Namespace
) -> Iterator[tuple[str, Iterable[Callable[[], list[str]]]]]:
    """The kinds of trials that are asked for, each with its trials."""

    def killed(kill: Kill) -> Callable[[], list[str]]:
        return lambda: killed_then_again(stage, kill)

    dice = random.Random(options.seed)  # noqa: S311 - repeatable, not secret
    if options.calls:
        yield "killed at every call", map(killed, at_every_call(stage))
    if options.moments:
        moments = at_moments(stage, options.moments, dice)
        yield "killed at random moments", map(killed, moments)
    if options.pairs:
        yield "two runs at once", (lambda: pair(stage, dice) for _ in range(options.pairs))
    if options.fetches:
        yield "killed while fetching", fetches(stage, options.fetches, dice)
    if options.changes:
        yield f"{options.changes} changes", [lambda: changed(stage, options.changes)]


def all_hold(stage: Stage, options: argparse.Namespace, console: Console) -> bool:
    """Make all trials and print what holds of each kind."""
    everything = True
    for name, trials in kinds(stage, options):
        made = held = 0
        for trial in trials:
            wrong = trial()
            made, held = made + 1, held + (not wrong)
            for text in wrong:
                say(console, f"{name}, number {made}: {text}", style="red")
        say(console, f"{name}: {held} of {made} hold")
        everything = everything and held == made
    return everything


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.index_trials",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", choices=("qdrant", "edge", "artifact"), default="qdrant")
    parser.add_argument(
        "--calls",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="kill at every upstream call (default: yes)",
    )
    parser.add_argument("--moments", type=int, default=200, help="kills at random moments")
    parser.add_argument("--pairs", type=int, default=50, help="pairs of runs at once")
    parser.add_argument(
        "--fetches", type=int, default=0, help="kills of processes that fetch an artifact"
    )
    parser.add_argument(
        "--changes", type=int, default=0, help="changes of an artifact under one process"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the random moments")
    options = parser.parse_args(arguments)
    console = Console()
    with (
        tempfile.TemporaryDirectory() as folder,
        staged(Path(folder), options.store) as stage,
        asking(stage) as beside,
    ):
        held = all_hold(stage, options, console)
    say(console, beside.summary())
    return OK if held and beside.held else FAILED


if __name__ == "__main__":
    sys.exit(main())
