"""Scores of mutants, from what mutmut writes."""

import tomllib

import pytest
from rich.console import Console

from scripts.mutants import TESTS, Score, choose, configuration, report, scored
from tests.servers import ROOT


def test_every_module_and_each_of_its_tests_is_there() -> None:
    for module, tests in TESTS.items():
        assert (ROOT / f"docchat/{module}.py").exists()
        assert all((ROOT / f"tests/{test}.py").exists() for test in tests)


def test_a_failing_test_and_a_time_limit_notice_a_mutant_and_nothing_else_does() -> None:
    codes = {"a": 1, "b": 0, "c": 36, "d": 33, "e": 5, "f": 3, "g": None}
    score = scored("core/canary", codes, "abcdef")
    assert score == Score("core/canary", 3, ("b", "d", "e"))
    assert score.share == 0.5


def test_a_mutant_that_was_not_tried_is_no_score() -> None:
    with pytest.raises(RuntimeError, match="core/canary"):
        scored("core/canary", {"a": 1, "b": None}, ["a", "b"])


def test_a_sample_is_the_same_every_time_and_has_only_what_a_test_could_notice() -> None:
    names = ["docchat.core.markup.x__begun__mutmut_1", *(f"m{n}" for n in range(9))]
    assert choose(names, 0) == choose(names, 9) == sorted(names[1:])
    assert len(choose(names, 4)) == 4
    assert choose(names, 4) == choose(reversed(names), 4)


def test_mutmut_is_told_the_modules_and_their_tests() -> None:
    told = tomllib.loads(configuration(["core/canary", "retries"]))["tool"]["mutmut"]
    assert told["only_mutate"] == ["docchat/core/canary.py", "docchat/retries.py"]
    tests = ["tests/core/test_canary.py", "tests/test_retries.py", "tests/test_upstream.py"]
    assert told["pytest_add_cli_args_test_selection"] == tests


def test_the_scores_stand_in_a_table_with_their_sum() -> None:
    console = Console(width=80)
    with console.capture() as said:
        console.print(report([Score("retries", 9, ("x",)), Score("deadlines", 10, ())]))
    rows = [line.split("│")[1:-1] for line in said.get().splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["retries", "10", "9", "90.0%"],
        ["deadlines", "10", "10", "100.0%"],
        ["all", "20", "19", "95.0%"],
    ]
