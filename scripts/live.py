"""Ask the real Gemini: the evaluation's questions and hostile texts, within a budget.

    GEMINI_API_KEY=… python -m scripts.live --budget 1.00

Says first what it is about to ask and what that will cost, then asks question by question, and
stops before the first call that could go over the budget. The prices are the settings'. Without a
key it says what it would do, and asks nothing.

Exit codes: 0 done, or no key; 1 a guard let something through, or Gemini failed; 2 wrong arguments
or settings.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from docchat.errors import DocchatError, Misconfigured, ServiceError
from docchat.settings import Settings, environment
from scripts.console import complain, progress, say
from scripts.evaluate import FAILED, MISUSED, OK, QUESTIONS
from scripts.evaluation.answers import answers
from scripts.evaluation.rankers import Docchat, docchat
from scripts.evaluation.report import Report
from scripts.evaluation.sets import Collection, own_docs
from scripts.evaluation.spaces import Space, space
from scripts.local import has_gemini_key
from scripts.metered import BudgetSpent, Meter, Metered
from tests.injection.attacks import hostile
from tests.injection.checks import PLACES, faults_when_obeyed

_SEED = 13
_TYPICAL_OUTPUT = 400  # tokens of an answer, its thinking included
_TYPICAL_RULES = 900  # tokens of a prompt without its passages
_CHARS_PER_TOKEN = 4

Attack = tuple[str, str]
"""A place in the prompt, and the text that is put there."""


@dataclass(slots=True)
class Run:
    """What is asked, and what came of it.

    Attributes:
        collection: the docs and the questions about them.
        attacks: hostile texts and their places.
        held: attacks that came to nothing.
        faults: what the other attacks reached.
        failed: calls that Gemini did not answer.
    """

    collection: Collection
    attacks: Sequence[Attack]
    report: Report
    held: int = 0
    faults: list[str] = field(default_factory=list)
    failed: int = 0


def plan(run: Run, settings: Settings) -> str:
    """What would be asked, and what it would cost about."""
    given, written = settings.price_input_per_million, settings.price_output_per_million
    chars = sum(len(chunk.embedded_text) for chunk in run.collection.chunks())
    indexed = chars / _CHARS_PER_TOKEN * settings.price_embedding_per_million
    context = settings.context_chars / _CHARS_PER_TOKEN + _TYPICAL_RULES
    asked = len(run.collection.queries) * (context * given + _TYPICAL_OUTPUT * written)
    attacked = len(run.attacks) * (_TYPICAL_RULES * given + _TYPICAL_OUTPUT * written)
    return (
        f"{len(run.collection.queries)} questions about {len(run.collection.pages)} pages, and"
        f" {len(run.attacks)} hostile texts, for {settings.generative_model}: about"
        f" ${(indexed + asked + attacked) / 1_000_000:.2f}."
    )


def attacks(data: Path | None, count: int) -> list[Attack]:
    """So many hostile texts, as many of each set as can be, in turns in every place."""
    if data is None or not (data / "hostile").is_dir():
        return []
    rng = random.Random(_SEED)  # noqa: S311 - nothing here is a secret
    sets = [rng.sample(texts, len(texts)) for texts in hostile(data / "hostile").values()]
    most = max(len(texts) for texts in sets)
    mixed = [texts[n] for n in range(most) for texts in sets if n < len(texts)]
    places = list(PLACES)
    return [(places[n % len(places)], text) for n, text in enumerate(mixed[:count])]


async def _ask_all(run: Run, meter: Meter, vectors: Space, console: Console) -> None:
    """Raises `BudgetSpent` before the first call that could go over the budget."""
    assert vectors.chat is not None  # noqa: S101 - the settings' space has one
    model = Metered(vectors.chat.generator, vectors.embedder, meter)
    with tempfile.TemporaryDirectory() as folder:
        searching = await docchat(
            run.collection, model, dimension=vectors.dimension, folder=Path(folder)
        )
        await _evaluate(
            run, searching, replace(vectors, chat=replace(vectors.chat, generator=model)), console
        )
    await _attack(run, model, console)


async def _evaluate(run: Run, searching: Docchat, vectors: Space, console: Console) -> None:
    chat, collection = vectors.chat, run.collection
    assert chat is not None  # noqa: S101 - as above
    found = run.report.answered.setdefault(collection.name, [])
    with progress(console, "questions", len(collection.queries)) as done:
        for query in collection.queries:  # one at a time: the budget may end between two
            one = replace(collection, queries=[query])
            try:
                found += await answers(one, searching, chat, done)
            except ServiceError as failure:
                _note(run, failure)


async def _attack(run: Run, model: Metered, console: Console) -> None:
    with progress(console, "hostile texts", len(run.attacks)) as done:
        for place, text in run.attacks:
            try:
                faults = await faults_when_obeyed(model, place, text)
            except ServiceError as failure:
                _note(run, failure)
                continue
            run.held += not faults
            run.faults += [f"{place}: {fault}: {text!r}"[:300] for fault in faults]
            done(1)


def _note(run: Run, failure: ServiceError) -> None:
    """Count a call that failed; raises where every other one would fail as well."""
    if failure.needs_operator:
        raise failure
    run.failed += 1


def _show(run: Run, meter: Meter, console: Console, *, stopped: bool) -> None:
    run.report.show(console)
    tried = run.held + len({fault.rpartition(": ")[2] for fault in run.faults})
    say(console, f"Hostile texts held off: {run.held} of {tried}.")
    for fault in run.faults:
        complain(console, fault)
    if run.failed:
        complain(console, f"Gemini did not answer {run.failed} times.")
    ended = "stopped before the next call could go over the budget" if stopped else "all was asked"
    say(console, f"Spent ${meter.spent_usd:.4f} of ${meter.budget_usd:.2f}; {ended}.")


async def _live(run: Run, settings: Settings, options: argparse.Namespace, console: Console) -> int:
    meter = Meter(options.budget, settings)
    stopped = False
    async with space("settings", options.build, console) as vectors:
        try:
            await _ask_all(run, meter, vectors, console)
        except BudgetSpent:
            stopped = True
    _show(run, meter, console, stopped=stopped)
    return FAILED if run.faults or run.failed else OK


def _dollars(text: str) -> float:
    dollars = float(text)
    if not dollars > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return dollars


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--budget", type=_dollars, default=1.00, help="US dollars that it may spend at most")
    add("--docs", type=Path, default=Path("docs"), help="folder of the pages")
    add("--questions", type=Path, default=QUESTIONS, help="JSONL file about them")
    add("--hostile", type=int, default=60, help="how many hostile texts")
    add("--build", type=Path, default=Path("build"))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options, console = parse_arguments(arguments), Console(width=100)
    data = os.environ.get("DOCCHAT_TEST_DATA")
    try:
        settings = Settings.from_mapping(environment())
        collection = own_docs(options.docs, options.questions)
        chosen = attacks(Path(data) if data else None, options.hostile)
        run = Run(collection, chosen, Report("docchat", settings.embedding_model))
        say(console, plan(run, settings))
        if not chosen:
            say(console, "DOCCHAT_TEST_DATA names no folder with hostile/: no hostile texts.")
        if not has_gemini_key(environment()):
            end = f"It would stop at ${options.budget:.2f}."
            say(console, f"No GEMINI_API_KEY is set: nothing is asked. {end}")
            return OK
        return asyncio.run(_live(run, settings, options, console))
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED


if __name__ == "__main__":
    sys.exit(main())
