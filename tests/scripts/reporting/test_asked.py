import pytest

from scripts.reporting.asked import FAILED
from tests.scripts.reporting.lines import asked, entry, line, log, request


def test_the_lines_of_a_question_come_together_in_whatever_order() -> None:
    thumb = line("feedback", "a", thumb="down", reason="outdated", text="")
    (one,) = log(thumb, *asked("a", "How?", "answered", cited_chunks=["c1"])).questions
    assert (one.text, one.outcome, one.thumb, one.reason) == (
        "How?",
        "answered",
        "down",
        "outdated",
    )
    assert (one.cited, one.tokens, one.cost_usd) == (("c1",), 120, 0.002)


def test_the_last_thumb_counts_even_if_the_export_is_newest_first() -> None:
    late = entry(line("feedback", "a", thumb="down", reason="wrong"), day=3)
    early = entry(line("feedback", "a", thumb="up", reason=""), day=2)
    for order in ([late, early], [early, late]):
        assert log(request("a"), *order).questions[0].thumb == "down"


def test_a_line_that_comes_twice_counts_once() -> None:
    assert len(log(request("a"), request("a")).questions) == 1


def test_requests_that_are_no_questions_are_not_counted() -> None:
    health, refused = (
        line("request", "h", route="/health"),
        line("request", "r", problem="rate-limited"),
    )
    found = log(health, refused, request("a"))
    assert [one.id for one in found.questions] == ["a"]
    assert found.turned_away == 1


def test_a_question_that_got_an_error_failed_with_its_problem() -> None:
    (one,) = log(request("a", None, problem="upstream-busy", status=503)).questions
    assert (one.outcome, one.problem) == (FAILED, "upstream-busy")
    assert not one.unanswered


@pytest.mark.parametrize(
    ("outcome", "cited"), [("not_found", ["c"]), ("not_found", []), ("partial", [])]
)
def test_the_docs_did_not_answer_what_was_not_found_or_has_no_source(
    outcome: str, cited: list[str]
) -> None:
    assert log(request("a", outcome, cited_chunks=cited)).questions[0].unanswered


@pytest.mark.parametrize("outcome", ["answered", "partial", "degraded", "refused"])
def test_the_docs_answered_what_has_a_source(outcome: str) -> None:
    assert not log(request("a", outcome, cited_chunks=["c"])).questions[0].unanswered


def test_thumbs_for_answers_outside_of_the_log_are_counted_apart() -> None:
    found = log(request("a"), line("feedback", "z", thumb="up"))
    assert found.stray_thumbs == 1
    assert found.questions[0].thumb == ""


def test_numbers_of_bigquery_may_be_floats_and_absent_ones_null() -> None:
    (one,) = log(request("a", cited_chunks=None, input_tokens=7.0, first_event_ms=12.0)).questions
    assert (one.tokens, one.first_event_ms, one.cited) == (27, 12, ())


def test_a_digest_is_known_from_a_question() -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    found = log(*asked("a", digest), *asked("b", "What is 9f86d081884c7d65?")).questions
    assert [one.hashed for one in found] == [True, False]
