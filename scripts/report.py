r"""What visitors asked: a report from docchat's own log, for the people who write the docs.

    python -m scripts.report log.jsonl --docs website/docs --site-url https://docs.example.com \
        --output report.html --output report.md

The log is docchat's lines as they were printed, or Cloud Logging's or BigQuery's export of them:

    gcloud logging read 'jsonPayload.logger="docchat"' --freshness 30d --format json > log.json

The report shows what became of the questions, what the docs do not answer (alike questions
together), which pages are cited most and whose answers get thumbs down, languages and cost.
The log names chunks, not pages: with --docs, --html or --sitemap, as scripts.index_docs takes
them, pages have titles and links. Questions are only in logs that were written with
LOG_QUESTIONS=on; without them the report counts, and groups what was not answered by the page that
came closest.

Exit codes: 0 made, 1 failed, 2 wrong arguments or settings, 3 the log has no question.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from rich.console import Console

from docchat.core.models import Vector
from docchat.errors import DocchatError, Misconfigured
from docchat.runtime import Runtime
from docchat.settings import environment
from scripts.console import complain, say
from scripts.index_docs import site_of
from scripts.index_options import add_site
from scripts.local import has_gemini_key
from scripts.reporting.asked import Asked, Log, joined
from scripts.reporting.entries import Unread, entries
from scripts.reporting.findings import Findings, findings
from scripts.reporting.gaps import ALIKE, Gaps, gaps
from scripts.reporting.html import as_html
from scripts.reporting.markdown import as_markdown
from scripts.reporting.meanings import meanings_of
from scripts.reporting.notes import notes_on
from scripts.reporting.pages import Pages, pages_of

OK, FAILED, MISUSED, EMPTY = 0, 1, 2, 3

_FORMATS = {".html": as_html, ".md": as_markdown}


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("logs", nargs="*", default=["-"], metavar="LOG", help="files; - is standard input")
    add_site(parser, docs=None)
    add(
        "--output",
        "-o",
        action="append",
        type=_output,
        default=[],
        metavar="FILE",
        help="a .html page in one file, or .md; may be given again (default: Markdown, printed)",
    )
    add("--json", action="store_true", help="print the findings as one JSON object")
    add("--title", default="", help="the site's name (default: the variable SITE_NAME)")
    add(
        "--group-by",
        choices=("words", "meaning"),
        help="alike in their words, or by the vectors of the site's embedder, which costs about"
        " $0.01 for 5,000 questions (default: meaning where there is a GEMINI_API_KEY)",
    )
    add("--at-least", type=int, default=2, help="quote what so many asked (default: %(default)s)")
    add("--alike", type=float, default=ALIKE, help="how alike, 0 to 1 (default: %(default)s)")
    add("--most", type=int, default=12, help="rows of each list (default: %(default)s)")
    return parser.parse_args(arguments)


def _output(text: str) -> Path:
    if Path(text).suffix not in _FORMATS:
        raise argparse.ArgumentTypeError("must end in .html or .md")
    return Path(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = parse_arguments(arguments)
    console = Console(stderr=True)
    try:
        runtime = Runtime(_variables)
        unread = Unread()
        log = read(options.logs, unread)
        if not log.questions:
            complain(console, f"The log has no question; {unread.lines} lines are no JSON.")
            return EMPTY
        found = report(log, options, runtime, unread)
    except (DocchatError, OSError) as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    _write(found, options, options.title or runtime.settings.site_name, console)
    return OK


def _variables() -> dict[str, str]:
    """The environment's; no index is read, so none need be named."""
    return {"QDRANT_HOST": "path:none"} | environment()


def report(log: Log, options: argparse.Namespace, runtime: Runtime, unread: Unread) -> Findings:
    """The findings, as the options want them.

    Raises:
        Misconfigured: the options do not fit, or the site cannot be read.
        DocchatError: the embedder failed.
    """
    pages = site_pages(options, runtime)
    found = grouped(log, pages, options, runtime)
    return findings(log, found, pages, notes_on(log, found, pages, unread), most=options.most)


def grouped(log: Log, pages: Pages, options: argparse.Namespace, runtime: Runtime) -> Gaps:
    """What the docs do not answer, grouped as the options want it; raises as `report`."""
    return gaps(
        log.questions,
        page_of=pages.page_of,
        meanings=_meanings(log.questions, options, runtime),
        at_least=options.at_least,
        alike=options.alike,
    )


def site_pages(options: argparse.Namespace, runtime: Runtime) -> Pages:
    """The pages that the options name; none where they name none."""
    if not (options.docs or options.html or options.sitemap):
        return Pages()
    site_url = options.site_url or runtime.settings.site_url
    return pages_of(site_of(options, site_url).pages)


def _meanings(
    questions: Sequence[Asked], options: argparse.Namespace, runtime: Runtime
) -> Mapping[str, Vector] | None:
    by = options.group_by or ("meaning" if has_gemini_key(environment()) else "words")
    legible = [one for one in questions if one.text and not one.hashed]
    if by == "words" or not legible:
        return None
    first = sorted(legible, key=lambda one: not one.unanswered)
    return asyncio.run(meanings_of([one.text for one in first], runtime))


def read(names: Iterable[str], unread: Unread) -> Log:
    """Every file on its own: one may be lines, another an array."""
    return joined(chain.from_iterable(entries(_lines(name), unread) for name in names))


def _lines(name: str) -> Iterator[str]:
    if name == "-":
        yield from sys.stdin
        return
    with Path(name).open(encoding="utf-8", errors="replace") as file:
        yield from file


def _write(found: Findings, options: argparse.Namespace, site: str, console: Console) -> None:
    for file in options.output:
        file.write_text(_FORMATS[file.suffix](found, site), encoding="utf-8")
        say(console, f"Wrote {file}.")
    if options.json:
        print(json.dumps(asdict(found), default=str))
    elif not options.output:
        print(as_markdown(found, site), end="")


if __name__ == "__main__":
    sys.exit(main())
