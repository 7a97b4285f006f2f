"""Break the guard, the retries and the streams a little, a thousand times: do the tests notice?

    python -m scripts.mutants                       every module, as `make mutants` does
    python -m scripts.mutants --only core/citations
    python -m scripts.mutants --sample 40           so many of each module, by chance

A mutant is one small change: a number, an operator, a condition, an argument. mutmut makes them in
a copy of the code, in build/mutants, and runs the tests that reach the changed function. What was
found is kept there, and only made anew for functions that changed; `--fresh` forgets it.

Exit codes: 0 every module has its score, 1 one has not, 2 wrong arguments or mutmut failed.
"""

import argparse
import json
import random
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

_SEED = 13
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


def scored(module: str, codes: Mapping[str, int | None], chosen: Iterable[str]) -> Score:
    """The score of a module, from mutmut's code for each of the chosen mutants.

    Raises:
        RuntimeError: one of them was not tried.
    """
    tried = {name: codes[name] for name in chosen}
    if None in tried.values():
        raise RuntimeError(f"mutants of {module} were not tried")
    missed = sorted(name for name, code in tried.items() if code not in _NOTICED)
    return Score(module, len(tried) - len(missed), tuple(missed))


def choose(names: Iterable[str], most: int) -> list[str]:
    """The mutants that can be noticed at all, or so many of them; the same ones every time."""
    sound = sorted(name for name in names if not name.startswith(_AT_IMPORT))
    if not 0 < most < len(sound):
        return sound
    return sorted(random.Random(_SEED).sample(sound, most))  # noqa: S311 - no secret


def report(scores: Iterable[Score], sample: int = 0) -> Table:
    """The scores as a table, and all of them together; says so where they are of a sample."""
    title = "Mutants that the tests notice"
    title += f", of up to {sample} a module by chance" if sample else ""
    table = Table("module", "mutants", "noticed", "score", title=title)
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
    parser.add_argument("--sample", type=int, default=0, help="try so many of each module at most")
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
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(options.processes)]
    # It makes them all before it finds that none is of that name.
    subprocess.run([*command, "none-yet"], cwd=WORK, check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - mutmut
    chosen = {module: choose(codes_of(module), options.sample) for module in options.only}
    untried = [n for module, names in chosen.items() for n in names if codes_of(module)[n] is None]
    if untried and subprocess.run([*command, *untried], cwd=WORK, check=False).returncode:  # noqa: S603 - mutmut
        return 2
    scores = [scored(module, codes_of(module), names) for module, names in chosen.items()]
    console = Console()
    console.print(report(scores, options.sample))
    if options.missed:
        console.print("\n".join(name for score in scores for name in score.missed))
    return 0 if all(score.share >= LEAST for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
