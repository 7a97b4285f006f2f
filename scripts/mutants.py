"""Break the guard, the retries and the streams a little, a thousand times: do the tests notice?

    python -m scripts.mutants                       every module, as `make mutants` does
    python -m scripts.mutants --only core/citations

A mutant is one small change: a number, an operator, a condition, an argument. mutmut makes them in
a copy of the code, in build/mutants, and runs the tests that reach the changed function. What was
found is kept there, and only made anew for functions that changed; `--fresh` forgets it.

Exit codes: 0 every module has its score, 1 one has not, 2 wrong arguments or mutmut failed.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from scripts.serve import ROOT

WORK = ROOT / "build/mutants"
LEAST = 0.80
"""The share of mutants that the tests of each module have to notice."""

TESTS: Mapping[str, Sequence[str]] = {
    "core/output_filter": ("core/test_output_filter",),
    "core/citations": ("core/test_citations",),
    "core/markers": ("core/test_citations",),
    "core/links": ("core/test_output_filter",),
    "core/markup": ("core/test_output_filter",),
    "core/abstention": ("core/test_abstention",),
    "core/canary": ("core/test_canary",),
    "retries": ("test_retries", "test_upstream"),
    "deadlines": ("test_deadlines", "test_upstream"),
    "web/streaming": ("web/test_streaming",),
    "web/ui_stream": ("web/test_chat",),
}
"""Module of docchat → its tests that need no process of their own."""

_EXAMPLES, _FEW = re.compile(r"max_examples=\d+"), 50
"""A property is tried on so many examples and not on a thousand: the scores are lower bounds."""

_COPIED = ("docchat", "emulators", "scripts", "functions", "tests", "docs", "pyproject.toml")
_NOTICED = frozenset({1, 3, 36, 24, -24, 152, 255})
"""mutmut's codes: a test failed, pytest broke, it ran into its time limit."""

_AT_IMPORT = ("docchat.core.markup.x__begun",)
"""Functions that run once, when their module is imported: mutmut breaks them too late to matter."""


@dataclass(frozen=True, slots=True)
class Score:
    """One module's mutants.

    Attributes:
        noticed: those that made a test fail.
        missed: the names of the others.
    """

    module: str
    noticed: int
    missed: tuple[str, ...]

    @property
    def share(self) -> float:
        """Noticed mutants in all; 1 where there is none."""
        total = self.noticed + len(self.missed)
        return self.noticed / total if total else 1.0


def scored(module: str, codes: Mapping[str, int | None]) -> Score:
    """The score of a module, from mutmut's code for each mutant.

    Raises:
        RuntimeError: a mutant was not tried.
    """
    tried = {name: code for name, code in codes.items() if not name.startswith(_AT_IMPORT)}
    if None in tried.values():
        raise RuntimeError(f"mutants of {module} were not tried")
    missed = sorted(name for name, code in tried.items() if code not in _NOTICED)
    return Score(module, len(tried) - len(missed), tuple(missed))


def report(scores: Iterable[Score]) -> Table:
    """The scores as a table, and all of them together."""
    table = Table("module", "mutants", "noticed", "score", title="Mutants that the tests notice")
    listed = list(scores)
    for score in listed:
        _row(table, score.module, score.noticed, len(score.missed))
    table.add_section()
    noticed, missed = sum(s.noticed for s in listed), sum(len(s.missed) for s in listed)
    _row(table, "all", noticed, missed)
    return table


def _row(table: Table, name: str, noticed: int, missed: int) -> None:
    total = noticed + missed
    share = f"{noticed / total:.1%}" if total else "-"
    table.add_row(name, str(total), str(noticed), share)


def configuration(modules: Iterable[str]) -> str:
    """What pyproject.toml tells mutmut."""
    chosen = list(modules)
    tests = sorted({f"tests/{name}.py" for module in chosen for name in TESTS[module]})
    values = {
        "source_paths": ["docchat"],
        "only_mutate": [f"docchat/{module}.py" for module in chosen],
        "also_copy": [name for name in _COPIED if name not in {"docchat", "pyproject.toml"}],
        "pytest_add_cli_args": ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"],
        "pytest_add_cli_args_test_selection": tests,
    }
    lines = (f"{name} = {json.dumps(value)}" for name, value in values.items())
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def copy_code(modules: Iterable[str]) -> None:
    """The code as it is now, beside what is known of earlier mutants."""
    for name in _COPIED:
        source, target = ROOT / name, WORK / name
        if source.is_file():
            target.write_text(source.read_text() + configuration(modules))
            continue
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for test in (WORK / "tests").rglob("test_*.py"):
        test.write_text(_EXAMPLES.sub(f"max_examples={_FEW}", test.read_text()))


def codes_of(module: str) -> dict[str, int | None]:
    """The code that mutmut has for each mutant of a module."""
    meta = WORK / "mutants/docchat" / f"{module}.py.meta"
    codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
    return codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=TESTS, default=list(TESTS), metavar="MODULE")
    parser.add_argument("--processes", type=int, default=1, help="how many mutants at a time")
    parser.add_argument("--fresh", action="store_true", help="forget what is known of earlier ones")
    parser.add_argument(
        "--missed", action="store_true", help="name the mutants that nobody noticed"
    )
    options = parser.parse_args(arguments)
    if options.fresh:
        shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    copy_code(options.only)
    command = ["mutmut", "run", "--max-children", str(options.processes)]
    done = subprocess.run([sys.executable, "-m", *command], cwd=WORK, check=False)  # noqa: S603 - mutmut
    if done.returncode:
        return 2
    scores = [scored(module, codes_of(module)) for module in options.only]
    console = Console()
    console.print(report(scores))
    if options.missed:
        console.print("\n".join(name for score in scores for name in score.missed))
    return 0 if all(score.share >= LEAST for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
