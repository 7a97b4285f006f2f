"""Run every row of the table of client faults against real processes and print it.

    python -m scripts.faults

Exit codes: 0 every row holds, 1 one does not.
"""

import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

OK, FAILED = 0, 1
_TESTS = Path(__file__).parent.parent / "tests/faults/test_client_faults.py"


class _Results:
    """A pytest plugin: the rows' tests, and which of them hold."""

    def __init__(self) -> None:
        self.rows: list[tuple[list[str], bool]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a row's test."""
        row = dict(report.user_properties).get("row")
        if report.when == "call" and isinstance(row, list):
            self.rows.append((row, report.passed))


def main() -> int:
    """Entry point; returns the exit code."""
    results = _Results()
    status = pytest.main(["-q", "-p", "no:randomly", "--no-header", str(_TESTS)], [results])
    table = Table("fault", "what", "expected", "holds")
    for (fault, what, expected), holds in sorted(results.rows, key=lambda row: int(row[0][0][1:])):
        table.add_row(fault, what, expected, "yes" if holds else "NO")
    Console().print(table)
    held = sum(holds for _, holds in results.rows)
    faults = len({fault for (fault, *_), _ in results.rows})
    print(f"{held}/{len(results.rows)} rows of {faults} faults hold")
    return OK if status == pytest.ExitCode.OK else FAILED


if __name__ == "__main__":
    sys.exit(main())
