"""The index as an artifact beside qdrant-client's local mode: results, time and memory.

    python -m benchmarks.index --data ../shared/data/retrieval

Vectors are the Gemini emulator's, texts and questions those of five public documentation sites.
The first table asks whether both find the same, the second how fast they are.
"""

import argparse
import functools
import itertools
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.index import overlap, speed
from benchmarks.index.corpus import asked, points, sites


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.index",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--only", choices=("overlap", "speed"))
    options = parser.parse_args()
    console = Console(width=150)
    collections = sites(options.data)
    if options.only != "speed":
        console.print(overlap.table(collections))
    if options.only != "overlap":
        chunks = list(itertools.chain.from_iterable(one.chunks() for one in collections))
        with tempfile.TemporaryDirectory() as folder:
            made = functools.partial(points, chunks)
            console.print(speed.table(made, asked(collections), Path(folder)))


if __name__ == "__main__":
    main()
