"""Run every row of the tables of faults against real processes and print what holds.

    python -m scripts.faults [--markdown]

Exit codes: 0 every row holds, 1 one does not.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.console import Console
from rich.table import Table

OK, FAILED = 0, 1
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/operations.md"
BEGIN, END = "<!-- fault matrix -->", "<!-- end of fault matrix -->"
GROUPS = {
    "C": "clients",
    "G": "Gemini",
    "I": "the indexer",
    "P": "the process",
    "Q": "Qdrant",
    "S": "Secret Manager",
}

_TESTS = ROOT / "tests/faults"
_MOST_NAMED = 4


class Result(NamedTuple):
    """A row of a table, and whether it held."""

    fault: str
    what: str
    expected: str
    holds: bool

    @property
    def order(self) -> tuple[str, int]:
        """G2 comes before G10."""
        return self.fault[0], int(self.fault[1:])


class _Results:
    """A pytest plugin: notes the rows' tests as they end."""

    def __init__(self) -> None:
        self.rows: list[Result] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a row's test."""
        row = dict(report.user_properties).get("row")
        if report.when == "call" and isinstance(row, list):
            fault, what, expected = row
            self.rows.append(Result(fault, what, expected, report.passed))


def run() -> tuple[list[Result], bool]:
    """Every row of every table, in order; and whether all other tests of faults hold too."""
    tests = [*_TESTS.glob("test_*_faults.py"), _TESTS / "test_truncation.py"]
    results = _Results()
    arguments = ["-q", "-p", "no:randomly", "--no-header", *map(str, sorted(tests))]
    status = pytest.main(arguments, [results])
    return sorted(results.rows, key=lambda row: row.order), status == pytest.ExitCode.OK


def tally(rows: Iterable[Result]) -> list[str]:
    """n/n of each group, and of all."""
    rows = list(rows)
    lines = [
        f"{group} ({GROUPS[group]}): {_held(list(of_it))}"
        for group, of_it in groupby(rows, key=lambda row: row.fault[0])
    ]
    return [*lines, f"all: {_held(rows)}"]


def markdown(rows: Iterable[Result]) -> str:
    """One line a fault, as a table; rows of the same fault are put together."""
    lines = ["| fault | what happens | what comes of it | rows |", "|---|---|---|---|"]
    for fault, same in groupby(rows, key=lambda row: row.fault):
        of_it = list(same)
        held = sum(row.holds for row in of_it)
        whats = _listed([row.what for row in of_it])
        expected = _listed([row.expected for row in of_it])
        lines.append(f"| {fault} | {whats} | {expected} | {held}/{len(of_it)} |")
    return "\n".join(lines)


def write_into(page: Path, rows: Sequence[Result]) -> None:
    """Replace what stands between the page's two marker comments.

    Raises:
        ValueError: the page does not have them.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no {BEGIN} … {END}")
    table = "\n\n".join(["\n".join(f"- {line}" for line in tally(rows)), markdown(rows)])
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")


def _held(rows: Sequence[Result]) -> str:
    faults = len({row.fault for row in rows})
    return f"{sum(row.holds for row in rows)}/{len(rows)} rows of {faults} faults hold"


def _listed(texts: Iterable[str]) -> str:
    """Each text once; of many, the first ones and how many more there are."""
    distinct = list(dict.fromkeys(texts))
    more = len(distinct) - _MOST_NAMED
    shown = distinct[:_MOST_NAMED] + ([f"{more} more"] if more > 0 else [])
    return re.sub(r"([|<>{}*_`\[\]])", r"\\\1", "; ".join(shown))


def _print(rows: Iterable[Result]) -> None:
    table = Table("fault", "what", "expected", "holds")
    for row in rows:
        table.add_row(row.fault, row.what, row.expected, "yes" if row.holds else "NO")
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.faults", description=__doc__)
    parser.add_argument(
        "--markdown", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}"
    )
    options = parser.parse_args(arguments)
    rows, passed = run()
    _print(rows)
    print("\n".join(tally(rows)))
    if options.markdown:
        write_into(PAGE, rows)
    return OK if passed else FAILED


if __name__ == "__main__":
    sys.exit(main())
