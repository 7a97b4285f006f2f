"""Measure how fast a site is read, cut into chunks and hashed, and how much memory that takes.

    python -m scripts.reading_speed --docs docs

The site is read again and again, page by page, until there were 100,000 chunks.
"""

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from docchat.core.chunking import chunk
from docchat.core.models import Chunk, Dialect
from docchat.providers.docs_site import ReadingNotes, pages

_STEPS = (1_000, 10_000, 100_000)
_URL = "https://docs.example"


def chunks(docs: Path, dialect: Dialect | None) -> Iterator[Chunk]:
    """The site's chunks, over and over; nothing is kept."""
    while True:
        for page in pages(docs, site_url=_URL, dialect=dialect, notes=ReadingNotes()):
            yield from chunk(page)


def measured(docs: Path, dialect: Dialect | None) -> Iterator[tuple[int, float, float]]:
    """After each step: how many chunks, in how many seconds of processor time, and MB of memory.

    The memory is the most that the process ever had.
    """
    began = time.process_time()
    for count, _ in enumerate(chunks(docs, dialect), start=1):
        if count in _STEPS:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            yield count, time.process_time() - began, peak
        if count == _STEPS[-1]:
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.reading_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="default: %(default)s")
    parser.add_argument("--dialect", type=Dialect, choices=list(Dialect))
    options = parser.parse_args(arguments)
    table = Table("chunks", "seconds", "chunks/s", "peak MB")
    for count, seconds, peak in measured(options.docs, options.dialect):
        table.add_row(f"{count:,}", f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{peak:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
