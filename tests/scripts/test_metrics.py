import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.evaluation.metrics import (
    auroc,
    difference,
    estimate,
    holds,
    ranking_scores,
    threshold,
)

SECTION = "Set the alarm with a name and a limit, and it rings as soon as the server is gone."


def test_the_scores_of_a_ranking_are_those_of_the_textbook() -> None:
    scores = ranking_scores(["x", "a", "y", "b"], frozenset("abc"))
    assert scores["hit@1"] == 0
    assert scores["hit@5"] == scores["hit@10"] == 1
    assert scores["recall@5"] == pytest.approx(2 / 3)
    assert scores["MRR@10"] == 0.5
    ideal = 1 + 1 / 1.584962500721156 + 0.5
    assert scores["nDCG@10"] == pytest.approx((1 / 1.584962500721156 + 1 / 2.321928) / ideal)


def test_the_eleventh_page_is_not_found() -> None:
    scores = ranking_scores([*"bcdefghijk", "a"], frozenset("a"))
    assert set(scores.values()) == {0.0}


@given(
    st.lists(st.sampled_from("abcdefgh"), unique=True),
    st.frozensets(st.sampled_from("abc"), min_size=1),
)
def test_every_score_is_between_0_and_1(ranked: list[str], relevant: frozenset[str]) -> None:
    assert all(0 <= value <= 1.0000001 for value in ranking_scores(ranked, relevant).values())


def test_a_passage_that_has_half_of_the_section_holds_it() -> None:
    words = SECTION.split()
    assert holds(" ".join(words[:14]) + " and more " * 50, SECTION)
    assert not holds(" ".join(words[:9]) + " and more " * 50, SECTION)


def test_a_passage_of_which_half_is_in_the_section_is_of_it() -> None:
    part = " ".join(SECTION.split()[:10])
    assert holds(part, SECTION * 20)
    assert holds(f"[{part}](https://docs.example/alarms)", SECTION * 20)


def test_a_short_section_is_held_whole() -> None:
    assert holds("# Limits\n\nAt most ten.", "At most ten.")
    assert not holds("At least ten.", "At most ten.")
    assert not holds("", "At most ten.")


def test_an_estimate_is_the_mean_within_its_interval() -> None:
    found = estimate([0.0] * 50 + [1.0] * 50)
    assert found.mean == 0.5
    assert (found.low, found.high) == pytest.approx((0.4, 0.6), abs=0.02)
    assert found.n == 100


def test_a_difference_is_paired() -> None:
    ours = [0.5 + n / 100 for n in range(40)]
    theirs = [value - 0.1 for value in ours]
    found = difference(ours, theirs)
    assert found.low == pytest.approx(found.high) == pytest.approx(0.1)


def test_auroc_is_one_half_by_chance_and_one_for_a_clean_cut() -> None:
    assert auroc([0.8, 0.9], [0.1, 0.2]) == 1.0
    assert auroc([0.5, 0.5], [0.5, 0.5]) == 0.5


def test_a_threshold_loses_at_most_its_share() -> None:
    values = [n / 100 for n in range(100)]
    limit = threshold(values, lost=0.05)
    assert sum(value < limit for value in values) == 5
    assert threshold(values, lost=0) == 0.0
