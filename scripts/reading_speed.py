"""Measure how fast a site is read, cut into chunks and hashed, and how much memory that takes.

    python -m scripts.reading_speed --docs docs

The site is read again and again, page by page, until there were 100,000 chunks.
"""

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from docchat.core.chunking import chunk
from docchat.core.models import Dialect
from docchat.providers.docs_site import ReadingNotes, pages

_STEPS = (1_000, 10_000, 100_000)
_URL = "https://docs.example"


class Measured(NamedTuple):
    """What it took up to here.

    Attributes:
        chunks: how many there were.
        mb: megabytes of text that were cut.
        seconds: of processor time.
        peak_mb: the most memory that the process ever had.
    """

    chunks: int
    mb: float
    seconds: float
    peak_mb: float


def read(docs: Path, dialect: Dialect | None) -> Iterator[tuple[int, int]]:
    """Chunks and bytes of page after page, over and over; nothing is kept."""
    while True:
        for page in pages(docs, site_url=_URL, dialect=dialect, notes=ReadingNotes()):
            yield len(chunk(page)), len(page.body.encode())


def measured(docs: Path, dialect: Dialect | None) -> Iterator[Measured]:
    """What each step took."""
    began, steps = time.process_time(), list(_STEPS)
    chunks = size = 0
    for cut, read_bytes in read(docs, dialect):
        chunks, size = chunks + cut, size + read_bytes
        if chunks >= steps[0]:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            yield Measured(chunks, size / 1e6, time.process_time() - began, peak)
            steps.pop(0)
        if not steps:
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
    table = Table("chunks", "seconds", "chunks/s", "s a MB", "peak MB")
    for count, mb, seconds, peak in measured(options.docs, options.dialect):
        took = [f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{seconds / mb:.2f}"]
        table.add_row(f"{count:,}", *took, f"{peak:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
