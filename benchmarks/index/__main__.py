"""The index as an artifact beside qdrant-client's local mode: results, time and memory.

    python -m benchmarks.index --data ../shared/data/retrieval

Vectors are the Gemini emulator's, texts and questions those of five public documentation sites.
The first table asks whether all find the same, the second how fast they are and what they take, the
third how long a new process takes to the first token of its first answer.
"""

import argparse
import functools
import itertools
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.index import cold_start, overlap, speed
from benchmarks.index.corpus import asked, points, sites

_TABLES = ("overlap", "speed", "cold-start")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.index",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--only", choices=_TABLES)
    options = parser.parse_args()
    console = Console(width=150)
    collections = sites(options.data)
    chunks = list(itertools.chain.from_iterable(one.chunks() for one in collections))
    made = functools.partial(points, chunks)
    wanted = [options.only] if options.only else _TABLES
    if "overlap" in wanted:
        console.print(overlap.table(collections))
    if "speed" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            console.print(speed.table(made, asked(collections), Path(folder)))
    if "cold-start" in wanted:
        console.print(cold_start.table(made))


if __name__ == "__main__":
    main()
