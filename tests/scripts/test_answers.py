import pytest

from docchat.core.models import FinishReason, Outcome, Piece, Question, Usage
from scripts.evaluation.answers import PAGE, PRECISION, RECALL, RIGHTLY, WRONGLY, scored
from scripts.evaluation.diff import changes, moved
from scripts.evaluation.judge import judged
from scripts.evaluation.questions import Query
from scripts.evaluation.support import support
from tests.fakes import FakeGenerator

ALARMS = Query(Question("When?"), frozenset({"a.md", "b.md"}), ("a.md#when",))
MOON = Query(Question("Moon?"), frozenset())


@pytest.mark.parametrize(
    ("cited", "page", "recall", "precision"),
    [
        (["a.md#when", "b.md#any"], 1, 1.0, 1.0),
        (["a.md#other", "c.md"], 1, 0.0, 0.0),
        (["b.md", "b.md#x", "c.md", "a.md#other"], 1, 0.5, 0.5),
        (["c.md"], 0, 0.0, 0.0),
    ],
)
def test_citations_are_held_against_headings_where_they_are_named_and_pages_where_not(
    cited: list[str], page: int, recall: float, precision: float
) -> None:
    assert scored(ALARMS, Outcome.ANSWERED, cited) == {
        WRONGLY: 0.0,
        PAGE: page,
        RECALL: recall,
        PRECISION: precision,
    }


def test_an_answer_without_citations_has_no_precision() -> None:
    assert PRECISION not in scored(ALARMS, Outcome.PARTIAL, [])


def test_the_closest_pages_of_a_declined_question_are_no_citations() -> None:
    declined = scored(ALARMS, Outcome.NOT_FOUND, ["a.md#when"])
    assert declined == {WRONGLY: 1.0, PAGE: 0.0, RECALL: 0.0}
    assert scored(MOON, Outcome.NOT_FOUND, ["a.md"]) == {RIGHTLY: 1.0}
    assert scored(MOON, Outcome.ANSWERED, ["a.md"]) == {RIGHTLY: 0.0}


def test_support_is_the_share_of_a_sentences_words_that_its_passages_have() -> None:
    passages = {1: "An alarm rings when a server dies.", 2: "Bread is made of flour and water."}
    assert support("An alarm rings when a server dies [1].", passages) == 1.0
    assert support("An alarm rings when a server dies [2].", passages) == 0.0
    assert support("Alarm, server, cheese, elephants [1].", passages) == 0.5
    assert support("Alarm, server, bread, flour.", passages) == 1.0
    assert support("Alarm rings when [1]. Cheese elephants galore [1].", passages) == 0.5


def test_there_is_no_support_to_speak_of_without_words_or_sources() -> None:
    assert support("Yes [1].", {1: "Yes, it does."}) is None
    assert support("An alarm rings when a server dies.", {}) is None


@pytest.mark.parametrize(
    ("said", "verdict"), [("SUPPORTED", 1.0), ("Partly.", 0.5), ("**UNSUPPORTED**\n", 0.0)]
)
async def test_the_judge_says_one_word(said: str, verdict: float) -> None:
    half = len(said) // 2
    end = Piece(said[half:], FinishReason.STOP, Usage())
    judge = FakeGenerator((Piece(said[:half]), end))
    assert await judged(judge, "When?", "At noon [1].", ["At noon."]) == verdict
    asked = judge.prompts[0].turns[-1].text
    assert all(text in asked for text in ("When?", "At noon [1].", "At noon."))


async def test_a_judge_who_says_anything_else_gives_no_verdict() -> None:
    judge = FakeGenerator((Piece("It is SUPPORTED, I think.", FinishReason.STOP),))
    assert await judged(judge, "When?", "At noon [1].", ["At noon."]) is None


def test_two_runs_are_compared_over_the_questions_that_both_asked() -> None:
    def row(question: str, outcome: str, recall: float) -> dict[str, object]:
        return {"question": question, "outcome": outcome, RECALL: recall}

    before = [row("a", "answered", 0.0), row("b", "answered", 0.5), row("old", "answered", 0.0)]
    after = [row("a", "answered", 1.0), row("b", "not_found", 0.5), row("new", "answered", 1.0)]
    (change,) = changes(before, after)
    assert (change.name, change.before, change.after) == (RECALL, 0.25, 0.75)
    assert change.gain is not None
    assert change.gain.mean == 0.5
    assert moved(before, after) == [
        "answered → not_found: b",
        "not asked any more: old",
        "asked anew: new",
    ]
