"""Measure how well questions find the pages that answer them.

    python -m scripts.evaluate                                  # docchat's own docs
    python -m scripts.evaluate --docs website/docs --questions questions.jsonl
    python -m scripts.evaluate --data ../shared/data/retrieval --embedder minilm --quick-starts
    python -m scripts.evaluate --diff before/evaluate.json build/evaluate.json

A line of the questions file has `question`, `relevant` (pages, with or without an anchor) or
`"answerable": false`, and maybe `history` and `kind`. With the embedder of the settings each
question also goes through the chat flow. Without a GEMINI_API_KEY that is the emulator: its figures
guard against a step back; they do not tell how good Gemini is.

Exit codes: 0 measured, 1 failed, 2 wrong arguments or settings.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from docchat.errors import DocchatError, Misconfigured
from scripts.console import complain, progress
from scripts.evaluation import diff
from scripts.evaluation.answers import answers
from scripts.evaluation.designs import Design
from scripts.evaluation.judge import JUDGE
from scripts.evaluation.measuring import measure
from scripts.evaluation.rankers import Docchat, Ranker, docchat
from scripts.evaluation.report import Report
from scripts.evaluation.sets import SITES, Collection, own_docs, public_sets
from scripts.evaluation.spaces import Space, space
from scripts.evaluation.systems import DOCCHAT, TRIED, quick_starts

OK, FAILED, MISUSED = 0, 1, 2
QUESTIONS = Path(__file__).parent / "questions" / "docs.jsonl"
SETS = (*SITES, "sections", "conversations")

_WIDTH = 100  # of the tables, in a log file too

Designs = Mapping[str, Design | None]
"""What to measure, by name; None is docchat itself."""


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--docs", type=Path, default=Path("docs"), help="folder of the pages")
    add("--questions", type=Path, default=QUESTIONS, help="JSONL file about them")
    add("--data", type=Path, help="folder of the public sets, in place of both")
    add("--sets", nargs="+", choices=SETS, default=SETS, help="some of --data")
    add("--embedder", choices=("settings", "minilm"), default="settings")
    add("--quick-starts", action="store_true", help="measure LangChain's and LlamaIndex's, too")
    add("--tried", action="store_true", help="measure what was tried, too")
    add("--compare", nargs=2, metavar="SYSTEM", help="two of these, the first against the second")
    add("--judge", action="store_true", help=f"let {JUDGE} judge the answers; needs a key")
    add("--diff", nargs=2, type=Path, metavar="FILE", help="show what changed between two runs")
    add("--build", type=Path, default=Path("build"), help="folder of the figures and the vectors")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = parse_arguments(arguments)
    console = Console(width=max(_WIDTH, Console().width))
    try:
        if options.diff:
            before, after = map(diff.load, options.diff)
            diff.show(before, after, console)
            return OK
        report = evaluate(options, console)
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    report.show(console)
    file = options.build / "evaluate.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return OK


def evaluate(options: argparse.Namespace, console: Console) -> Report:
    """Measure what the command line asks for.

    Raises:
        Misconfigured: a file is not what it should be, or a package is missing.
        DocchatError: indexing or answering failed.
    """
    if options.data is None:
        collections = [own_docs(options.docs, options.questions)]
    elif not options.data.is_dir():
        raise Misconfigured(f"there is no folder {options.data}: name that of the public sets")
    else:
        collections = public_sets(options.data, options.sets)
    designs = _designs(options)
    return asyncio.run(_measure_all(collections, designs, options, console))


def _designs(options: argparse.Namespace) -> Designs:
    known: dict[str, Design | None] = {DOCCHAT: None}
    if options.quick_starts:
        known |= quick_starts()
    if options.tried or options.compare:
        known |= TRIED
    names = options.compare or known
    if unknown := set(names) - known.keys():
        there = ", ".join(known)
        raise Misconfigured(f"there is no system {unknown.pop()}: there are {there}")
    return {name: known[name] for name in names}


async def _measure_all(
    collections: Sequence[Collection],
    designs: Designs,
    options: argparse.Namespace,
    console: Console,
) -> Report:
    kept = options.build / "evaluation"
    async with space(options.embedder, kept, console, judge=options.judge) as vectors:
        report = Report(next(iter(designs)), vectors.name)
        for collection in collections:
            for name, design in designs.items():
                with tempfile.TemporaryDirectory() as folder:
                    ranker = await _prepare(collection, design, vectors, Path(folder))
                    total = len(collection.queries)
                    with progress(console, f"{collection.name}: {name}", total) as done:
                        report.add(collection.name, name, await measure(ranker, collection, done))
                    if isinstance(ranker, Docchat) and vectors.chat is not None:
                        with progress(console, f"{collection.name}: answers", total) as done:
                            report.answered[collection.name] = await answers(
                                collection, ranker, vectors.chat, done
                            )
    return report


async def _prepare(
    collection: Collection, design: Design | None, vectors: Space, folder: Path
) -> Ranker:
    if design is not None:
        return await design.build(collection, vectors.embedder)
    return await docchat(collection, vectors.embedder, dimension=vectors.dimension, folder=folder)


if __name__ == "__main__":
    sys.exit(main())
