"""Measure retrieval and citations on a documentation site whose answers are known.

    python -m scripts.evaluate --data ../shared/data/retrieval --site redux

The site's pages go through the indexer into a throw-away index; each question then goes through
the chat flow. Without a GEMINI_API_KEY the emulator makes vectors and answers, so the figures
compare designs and guard against a step back; they do not tell how good Gemini is.

Exit codes: 0 measured, 1 failed, 2 wrong arguments or settings.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from rich.console import Console
from rich.table import Table

from docchat import answering
from docchat.answering import Policy
from docchat.clients import Clients
from docchat.core.models import Finish, Outcome, Page, Question, Sources, Trace
from docchat.deadlines import TimeLimits
from docchat.errors import DocchatError, Misconfigured
from docchat.limits import TokenBudget
from docchat.retries import RetryBudget
from docchat.runtime import Runtime
from docchat.upstream import Upstream
from scripts.console import complain, progress, say
from scripts.index_docs import publish, read
from scripts.local import EMULATOR_NOTICE, is_emulated, local_environment

OK, FAILED, MISUSED = 0, 1, 2
_TOP = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one question."""

    question: str
    answerable: bool
    rank: int | None  # of the first relevant page among the retrieved passages, from 1
    cited_relevant: bool
    outcome: Outcome


def rows(path: Path, site: str) -> Iterator[dict[str, Any]]:
    """The lines of a JSONL file that belong to the site."""
    with path.open(encoding="utf-8") as lines:
        yield from (row for row in map(json.loads, lines) if row["site"] == site)


def write_pages(corpus: Sequence[dict[str, Any]], folder: Path) -> None:
    """Lay the pages out as they stand in the site's source."""
    for page in corpus:
        target = folder / page["id"].partition(":")[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page["text"], encoding="utf-8")


async def ask_all(
    queries: Sequence[dict[str, Any]], pages: Sequence[Page], runtime: Runtime, console: Console
) -> list[Asked]:
    """Every question through retrieval and through the whole flow."""
    path_of = {page.url: page.path for page in pages}
    try:
        with progress(console, "Asking", len(queries)) as advance:
            asked = []
            for query in queries:
                asked.append(await _ask(query, path_of, runtime))
                advance(1)
            return asked
    finally:
        await runtime.aclose()


async def _ask(query: dict[str, Any], path_of: Mapping[str, str], runtime: Runtime) -> Asked:
    settings = runtime.settings
    policy = Policy(settings.site_name, settings.context_chars, settings.abstain_below)
    question = Question(query["question"])
    relevant = {page.partition(":")[2] for page in query["relevant_pages"]}
    passages = await answering.retrieve(
        question, _upstream(runtime), replace(policy, abstain_below=0.0)
    )
    paths = [passage.chunk.path for passage in passages]
    rank = next((n for n, path in enumerate(paths, start=1) if path in relevant), None)
    cited: set[str] = set()
    outcome = Outcome.PARTIAL
    async for event in answering.answer(question, _upstream(runtime), policy, Trace()):
        if isinstance(event, Sources):
            cited |= {path_of[urldefrag(source.url).url] for source in event.sources}
        if isinstance(event, Finish):
            outcome = event.outcome
    return Asked(question.text, query["answerable"], rank, bool(cited & relevant), outcome)


def _upstream(runtime: Runtime) -> Upstream:
    async def connect(refused: Clients | None = None) -> Clients:  # noqa: ARG001 - no new keys
        gemini, index = await runtime.gemini(), await runtime.index()
        return Clients(embedder=gemini, index=index, generator=gemini, budget=TokenBudget(0))

    return Upstream(connect, TimeLimits(), RetryBudget())


def summary(asked: Sequence[Asked]) -> dict[str, float]:
    """Counts over the answerable questions, and how many of the others were declined."""
    known = [one for one in asked if one.answerable]
    foreign = [one for one in asked if not one.answerable]
    ranks = [one.rank for one in known if one.rank is not None and one.rank <= _TOP]
    return {
        "answerable": len(known),
        f"hit@{_TOP}": len(ranks),
        f"MRR@{_TOP}": round(sum(1 / rank for rank in ranks) / max(1, len(known)), 3),
        "cites a relevant page": sum(one.cited_relevant for one in known),
        "wrongly declined": sum(one.outcome is Outcome.NOT_FOUND for one in known),
        "foreign": len(foreign),
        "foreign declined": sum(one.outcome is Outcome.NOT_FOUND for one in foreign),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with docs_*.jsonl")
    parser.add_argument("--site", default="redux", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json)
    try:
        figures, asked = evaluate(options.data, options.site, console)
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    if options.json:
        print(json.dumps(figures))
    else:
        _print(figures, asked, console)
    return OK


def evaluate(data: Path, site: str, console: Console) -> tuple[dict[str, float], list[Asked]]:
    """Index the site, ask its questions, count.

    Raises:
        Misconfigured: the data has no such site.
        DocchatError: indexing or answering failed.
    """
    corpus = list(rows(data / "docs_corpus.jsonl", site))
    queries = list(rows(data / "docs_queries.jsonl", site))
    if not corpus:
        raise Misconfigured(f"{data} has no site {site}")
    with tempfile.TemporaryDirectory() as folder:
        pages, index = Path(folder, "pages"), Path(folder, "index")
        write_pages(corpus, pages)
        with local_environment({"QDRANT_HOST": f"path:{index}"}) as variables:
            if is_emulated(variables):
                say(console, EMULATOR_NOTICE, style="yellow")
            reading = read(pages, site_url=f"https://{site}.example")
            asyncio.run(publish(reading, Runtime(), console))
            asked = asyncio.run(ask_all(queries, reading.pages, Runtime(), console))
    return summary(asked), asked


def _print(figures: dict[str, float], asked: Sequence[Asked], console: Console) -> None:
    questions = Table("question", "rank", "cited", "outcome", title="Answerable questions")
    for one in asked:
        if one.answerable:
            cited = "yes" if one.cited_relevant else "no"
            questions.add_row(one.question, str(one.rank or "-"), cited, one.outcome)
    totals = Table("figure", "value", title="Totals")
    for name, value in figures.items():
        totals.add_row(name, str(value))
    console.print(questions, totals)


if __name__ == "__main__":
    sys.exit(main())
