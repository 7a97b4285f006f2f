from pathlib import Path

import pytest

from benchmarks.chat import goals, plots, report
from benchmarks.chat.candidates import EMBEDDED, HELLO, REMOTE, SEED
from benchmarks.chat.results import Results, shown

ROUNDS = {
    EMBEDDED: [500.0, 1000.0, 480.0],
    REMOTE: [900.0, 1800.0, 900.0],
    SEED: [1000.0, 2000.0, 1200.0],
    HELLO: [200.0, 400.0, 200.0],
}


@pytest.fixture
def results() -> Results:
    made = Results("2026-11-22", "python -m benchmarks.chat", "2 cores")
    for name, values in ROUNDS.items():
        for value in values:
            made.add(name, {"token_ms": value})
    return made


def test_a_ratio_is_taken_within_a_round(results: Results) -> None:
    assert results.ratios(EMBEDDED, SEED, "token_ms") == [0.5, 0.5, 0.4]


def test_a_goal_is_met_or_missed_by_the_median_of_its_ratios(results: Results) -> None:
    row = next(row for row in goals.rows(results) if row[1] == SEED)
    assert row[2:] == ("0.50 (0.40–0.50)", "✗ ≤ 0.45", "0.90 (0.75–0.90)", "✗ ≤ 0.60")
    row = next(row for row in goals.rows(results) if row[1] == HELLO)
    assert row[2:] == ("2.50 (2.40–2.50)", "✓ ≤ 3.50", "4.50 (4.50–4.50)", "✓ ≤ 4.50")


def test_what_was_not_measured_has_no_row(results: Results) -> None:
    assert {row[0] for row in goals.rows(results)} == {"start → first token"}


def test_a_file_holds_all_that_was_measured(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path / "build/bench.json")
    assert Results.load(tmp_path / "build/bench.json") == results


def test_a_figure_is_shown_with_its_spread() -> None:
    assert shown([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"
    assert shown([]) == "–"


def test_the_page_has_the_two_marks_between_which_tables_are_put() -> None:
    text = report.PAGE.read_text()
    assert text.index(report.BEGIN) < text.index(report.END)


def test_versions_are_those_of_the_locked_requirements() -> None:
    ours, seed, langchain, llamaindex = report.versions()
    assert "functions-framework 3.10.2" in ours
    assert "qdrant-client 1.20.0" in seed
    assert "langchain-google-genai 4.4.2" in langchain
    assert "llama-index-core 0.14.25" in llamaindex


def test_a_bar_is_as_long_as_the_median() -> None:
    picture = plots.drawn("Time & again", {EMBEDDED: [50.0], SEED: [100.0]})
    assert 'width="250.0"' in picture
    assert 'width="500.0"' in picture
    assert "Time &amp; again" in picture
