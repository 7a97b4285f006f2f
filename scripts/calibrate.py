"""Find ABSTAIN_BELOW: under which cosine a question is not about these docs.

    python -m scripts.calibrate --docs website/docs --questions questions.jsonl

The threshold belongs to the embedding model and the site, so it is measured with the settings that
the chat runs with. The questions file is the one of scripts.evaluate; where it has no question
that the docs do not cover, docchat's own questions about other things are asked.

It keeps out questions about other things. A question about the product whose one page is missing
looks like any other; telling those apart is left to the model.

Exit codes: 0 found, 1 failed, 2 wrong arguments or settings.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from docchat.errors import DocchatError, Misconfigured
from scripts.console import complain, progress, say
from scripts.evaluate import FAILED, MISUSED, OK, QUESTIONS
from scripts.evaluation.measuring import measure
from scripts.evaluation.questions import foreign_questions
from scripts.evaluation.rankers import docchat
from scripts.evaluation.refusals import Refusals, refusals
from scripts.evaluation.sets import Collection, own_docs
from scripts.evaluation.spaces import space


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--docs", type=Path, default=Path("docs"), help="folder of the pages")
    add("--questions", type=Path, default=QUESTIONS, help="JSONL file about them")
    add("--embedder", choices=("settings", "minilm"), default="settings")
    add("--lost", type=_share, default=0.05, help="share of good questions that may be refused")
    add("--build", type=Path, default=Path("build"), help="folder of kept vectors")
    add("--json", action="store_true", help="print the figures as one JSON object")
    return parser.parse_args(arguments)


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError("must be from 0 to below 1")
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = parse_arguments(arguments)
    console = Console(stderr=options.json)
    try:
        found = asyncio.run(calibrate(options, console))
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    if options.json:
        print(json.dumps(found._asdict()))
    else:
        say(console, f"ABSTAIN_BELOW={found.threshold}")
        say(console, found.sentence())
    return OK


async def calibrate(options: argparse.Namespace, console: Console) -> Refusals:
    """Ask every question, and find the threshold.

    Raises:
        Misconfigured: the questions file is not one, or has no answerable question.
        DocchatError: indexing or searching failed.
    """
    collection = _with_foreign(own_docs(options.docs, options.questions))
    with tempfile.TemporaryDirectory() as folder:
        async with space(options.embedder, options.build / "evaluation", console) as vectors:
            ranker = await docchat(
                collection, vectors.embedder, dimension=vectors.dimension, folder=Path(folder)
            )
            with progress(console, "Asking", len(collection.queries)) as done:
                measured = await measure(ranker, collection, done)
    found = refusals(measured, lost=options.lost)
    if found is None:
        raise Misconfigured(f"{options.questions} has no question that the docs answer")
    return found


def _with_foreign(collection: Collection) -> Collection:
    if all(query.answerable for query in collection.queries):
        queries = [*collection.queries, *foreign_questions(QUESTIONS)]
        return replace(collection, queries=queries)
    return collection


if __name__ == "__main__":
    sys.exit(main())
