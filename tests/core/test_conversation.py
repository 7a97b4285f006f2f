from docchat.core.conversation import previous, recent, search_text
from docchat.core.models import Question, Role, Turn

USER, ASSISTANT = Role.USER, Role.ASSISTANT


def turns(*texts: str) -> tuple[Turn, ...]:
    return tuple(Turn((USER, ASSISTANT)[n % 2], text) for n, text in enumerate(texts))


def test_a_first_question_is_searched_as_it_is() -> None:
    assert search_text(Question("how?")) == "how?"
    assert previous(Question("how?")) == ""


def test_a_follow_up_is_searched_with_the_previous_user_turn_alone() -> None:
    question = Question("and then?", turns("first", "a1", "second", "a2"))
    assert search_text(question) == "and then?\nsecond"
    assert previous(question) == "second"


def test_recent_keeps_whole_turns_from_the_end_within_the_budget() -> None:
    history = turns("u" * 50, "a" * 50, "u" * 20, "a" * 20)
    assert recent(history, max_chars=100) == history[2:]
    assert recent(history, max_chars=140) == history
    assert recent(history, max_chars=0) == ()


def test_recent_begins_with_a_users_turn() -> None:
    history = turns("u" * 50, "a" * 5, "u" * 5, "a" * 5)
    assert recent(history, max_chars=20)[0].role is USER
    assert recent((Turn(ASSISTANT, "hello"),), max_chars=100) == ()


def test_recent_leaves_the_citations_of_earlier_answers_out() -> None:
    history = (
        Turn(USER, "what is a[1]?"),
        Turn(ASSISTANT, "It is so [1][2], as `a[1]` shows [3]."),
    )
    said = recent(history, max_chars=1000)
    assert said == (history[0], Turn(ASSISTANT, "It is so, as `a[1]` shows."))
