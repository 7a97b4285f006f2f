"""Index sites through the emulators, whole and again, and print what that takes.

    python -m scripts.index_cost --docs website/docs
    python -m scripts.index_cost --data ../shared/data/retrieval

Four runs each: the whole site, the same again, after a sentence was added to a page, and after that
page was renamed. Calls and bytes are those of the bodies that go to and from both services; the
emulators' share is the processor time that their processes take, beside the indexer's own. Imports
are not counted.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from docchat.core.models import Dialect
from docchat.providers import gemini as _gemini  # noqa: F401 - before the clock runs
from docchat.providers import qdrant as _qdrant  # noqa: F401
from docchat.runtime import Runtime
from emulators.faults import ROUTE
from scripts import index_docs
from scripts.evaluation.questions import rows
from scripts.evaluation.sets import SITES, lay_out, site_files
from scripts.load_server import emulator
from scripts.load_test import cost

_SITE_URL = "https://docs.example.com"
_ADDED = "\n\nThis sentence is new.\n"


@dataclass(frozen=True, slots=True)
class Site:
    """A folder of pages."""

    name: str
    folder: Path
    dialect: Dialect | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What one or more runs took.

    Attributes:
        wall_s: on the clock.
        own_s: processor time of the indexer.
        emulators_s: processor time of the emulators.
        gemini: calls.
        qdrant: calls.
        size: bytes of all bodies, there and back.
    """

    wall_s: float
    own_s: float
    emulators_s: float
    gemini: int
    qdrant: int
    size: int

    def since(self, before: "Spent") -> "Spent":
        """What came after that."""
        return Spent(
            self.wall_s - before.wall_s,
            self.own_s - before.own_s,
            self.emulators_s - before.emulators_s,
            self.gemini - before.gemini,
            self.qdrant - before.qdrant,
            self.size - before.size,
        )


@contextmanager
def sites(docs: Path, data: Path | None) -> Iterator[list[Site]]:
    """Copies of the sites, to be changed."""
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            files = {str(f.relative_to(docs)): f.read_text("utf-8") for f in docs.rglob("*.md*")}
            lay_out(files, Path(folder))
            yield [Site(docs.name, Path(folder))]
            return
        corpus = list(rows(data / "docs_corpus.jsonl"))
        for name in SITES:
            lay_out(site_files(name, corpus), Path(folder, name))
        yield [Site(name, Path(folder, name), dialect) for name, dialect in SITES.items()]


def measure(site: Site, table: Table) -> None:
    """Four runs of one site, a line each."""
    page = max(site.folder.rglob("*.md*"), key=lambda file: (file.stat().st_size, str(file)))
    changes: dict[str, Callable[[], object]] = {
        "whole": lambda: None,
        "unchanged": lambda: None,
        "a sentence more": lambda: page.write_text(page.read_text("utf-8") + _ADDED, "utf-8"),
        "a page renamed": lambda: page.rename(page.with_stem("renamed")),
    }
    with emulator("gemini") as gemini, emulator("qdrant") as qdrant:
        variables = {
            "GEMINI_API_KEY": "cost",
            "GEMINI_BASE_URL": gemini.url,
            "QDRANT_HOST": qdrant.url,
        }

        def spent() -> Spent:
            seen = [httpx.get(f"{one.url}{ROUTE}").json() for one in (gemini, qdrant)]
            asked, stored = (sum(one["calls"].values()) for one in seen)
            size = sum(sum(one[way].values()) for one in seen for way in ("received", "sent"))
            theirs = sum(cost(one.process.pid)[0] for one in (gemini, qdrant))
            return Spent(time.monotonic(), time.process_time(), theirs, asked, stored, size)

        for what, change in changes.items():
            change()
            before = spent()
            reading = index_docs.read(site.folder, site_url=_SITE_URL, dialect=site.dialect)
            run = index_docs.publish(reading, Runtime(lambda: variables), Console(quiet=True))
            report = asyncio.run(run)
            _row(
                table, f"{site.name}: {what}", report.chunks, report.embedded, spent().since(before)
            )


def _row(table: Table, what: str, chunks: int, embedded: int, took: Spent) -> None:
    table.add_row(
        what,
        f"{chunks:,}",
        f"{embedded:,}",
        f"{took.wall_s:.2f}",
        f"{took.own_s:.2f}",
        f"{took.emulators_s:.2f}",
        f"{took.gemini:,}",
        f"{took.qdrant:,}",
        f"{took.size / 1e6:.2f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.index_cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="default: %(default)s")
    parser.add_argument("--data", type=Path, help="folder of the public sets, in place of --docs")
    options = parser.parse_args(arguments)
    counts = ("chunks", "embedded", "s", "own CPU s", "emulators' CPU s")
    table = Table()
    for heading in ("run", *counts, "Gemini calls", "Qdrant calls", "MB"):
        table.add_column(heading, no_wrap=True)
    with sites(options.docs, options.data) as found:
        for site in found:
            measure(site, table)
    Console(width=max(Console().width, 140)).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
