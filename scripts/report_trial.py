"""Does scripts.report find what visitors missed? Emulated visitors of five sites ask.

    DOCCHAT_TEST_DATA=FOLDER python -m scripts.report_trial

Each site is indexed and asked through the chat's routes, with an emulator for the model that
declares of planted questions that the docs have no answer. The report of each site's log is then
compared with what was planted:

- found: planted topics of which one group has at least half, and which are half of that group
- precision: of pairs of questions in a group, how many ask for the same thing
- recall: of pairs of unanswered questions that ask for the same thing, how many are in a group
- disliked: whether the page behind the answers that were planted as bad leads its list

Exit codes: 0 at least nine of ten planted topics were found, 1 fewer.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from docchat.indexing import Allowed
from docchat.runtime import Runtime
from emulators import gemini
from emulators.faults import Faults
from emulators.server import serve_in_thread
from scripts import index_docs, report
from scripts.console import say
from scripts.evaluation.questions import rows
from scripts.evaluation.sets import SITES, doc_sites, lay_out, site_files
from scripts.index_options import parse_arguments as parse_site
from scripts.local import (
    EMULATED_ABSTAIN_BELOW,
    EMULATED_EMBEDDING_MODEL,
    EMULATED_GENERATIVE_MODEL,
    local_environment,
)
from scripts.reporting.entries import Unread
from scripts.trials.agreement import NONE, Agreement, agreement
from scripts.trials.chat import ask_all, exported
from scripts.trials.visits import Play, play

LEAST_FOUND = 0.9

_EMULATED = {
    "GEMINI_API_KEY": "emulator",
    "EMBEDDING_MODEL": EMULATED_EMBEDDING_MODEL,
    "GENERATIVE_MODEL": EMULATED_GENERATIVE_MODEL,
    "ABSTAIN_BELOW": EMULATED_ABSTAIN_BELOW,
    "RATE_LIMIT_PER_MINUTE": "0",
    "LOG_QUESTIONS": "on",
    "EMBED_TIMEOUT_S": "30",  # a loaded machine is no failure
    "SEARCH_TIMEOUT_S": "30",
    "FIRST_TOKEN_DEADLINE_S": "50",
    "GENERATE_TIMEOUT_S": "50",
}
_HEAD = "site       questions unanswered groups  found precision recall"


@dataclass(frozen=True, slots=True)
class Site:
    """One of the five, and where its trial takes place."""

    name: str
    data: Path
    folder: Path
    pages: int

    @property
    def docs(self) -> list[str]:
        """The options that name its pages."""
        url = f"https://{self.name}.example"
        dialect = str(SITES[self.name])
        return ["--docs", f"{self.folder / 'docs'}", "--site-url", url, "--dialect", dialect]

    @property
    def log(self) -> Path:
        """What the chat wrote."""
        return self.folder / "log.jsonl"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.report_trial",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    data = Path(os.environ.get("DOCCHAT_TEST_DATA", "../shared/data")) / "retrieval"
    add("--data", type=Path, default=data, help="folder of the public sets")
    add("--sites", nargs="+", choices=SITES, default=list(SITES))
    add("--questions", type=int, default=400, help="of each site (default: %(default)s)")
    add("--pages", type=int, default=0, help="index so many of each site; 0 is all")
    add("--build", type=Path, default=Path("build/report"), help="for logs and reports")
    add("--group-by", choices=("words", "meaning"), default="words")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = parse_arguments(arguments)
    sites = [
        Site(name, options.data, options.build / name, options.pages) for name in options.sites
    ]
    console = Console()
    emulator = gemini.create_app()
    with serve_in_thread(emulator) as url:
        played = asyncio.run(_all_played(sites, options.questions, url, emulator.state.faults))
        say(console, _HEAD)
        whole = NONE
        for site in sites:
            with _settings(site, url):
                whole = whole.plus(_compared(site, *played[site.name], options.group_by, console))
    say(console, f"{'all':41}{whole}")
    return 0 if whole.found.value >= LEAST_FOUND else 1


def _settings(site: Site, url: str) -> AbstractContextManager[Mapping[str, str]]:
    here = {"GEMINI_BASE_URL": url, "QDRANT_HOST": f"path:{site.folder / 'index'}"}
    return local_environment({**_EMULATED, **here, "SITE_NAME": site.name})


async def _all_played(
    sites: Sequence[Site], count: int, url: str, faults: Faults
) -> dict[str, tuple[dict[str, str], Play]]:
    """In one event loop: the chat's signals to its process belong to the first."""
    played = {}
    for site in sites:
        with _settings(site, url):
            played[site.name] = await _played(site, count, faults)
    return played


async def _played(site: Site, count: int, faults: Faults) -> tuple[dict[str, str], Play]:
    """Index the site and let its visitors ask; returns the label of each answer."""
    corpus = list(rows(site.data / "docs_corpus.jsonl"))
    files = list(site_files(site.name, corpus).items())
    lay_out(dict(files[: site.pages or None]), site.folder / "docs")
    options = parse_site(site.docs)
    quiet, anything = Console(quiet=True), Allowed(shrink=True, other_model=True)
    reading = index_docs.site_of(options, options.site_url)
    await index_docs.publish(reading, Runtime(), quiet, allowed=anything)
    played = play(doc_sites(site.data, [site.name])[0], count)
    with exported(site.log) as export:
        return await ask_all(played.visits, faults, export), played


def _compared(
    site: Site, labels: dict[str, str], played: Play, by: str, console: Console
) -> Agreement:
    """Make the report, and print how its groups agree with what was planted."""
    outputs = [str(site.folder / f"report.{kind}") for kind in ("html", "md")]
    arguments = [str(site.log), *site.docs, "--group-by", by, "--title", site.name]
    report.main([*arguments, "--output", outputs[0], "--output", outputs[1]])
    (site.folder / "labels.json").write_text(json.dumps(labels))
    options, runtime = report.parse_arguments(arguments), Runtime()
    log = report.read(options.logs, Unread())
    gaps = report.grouped(log, report.site_pages(options, runtime), options, runtime).groups
    unanswered = [labels[one.id] for one in log.questions if one.unanswered]
    found = agreement(
        [[labels[one.id] for one in gap.asked] for gap in gaps],
        unanswered,
        {visit.label for visit in played.visits if visit.planted},
    )
    counts = f"{len(log.questions):9} {len(unanswered):10} {len(gaps):6}"
    say(console, f"{site.name:10} {counts}  {found}")
    return found


if __name__ == "__main__":
    sys.exit(main())
