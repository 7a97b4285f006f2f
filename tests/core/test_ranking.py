from docchat.core.models import Chunk, Passage
from docchat.core.ranking import within_budget


def passage(text: str) -> Passage:
    return Passage(Chunk(text, "p.md", "u", "T", (), text), 1.0)


def texts(*passages: Passage, max_chars: int) -> list[str]:
    return [p.chunk.text for p in within_budget(passages, max_chars=max_chars)]


def test_passages_are_kept_in_order_up_to_the_budget() -> None:
    assert texts(passage("aaaa"), passage("bbbb"), passage("cccc"), max_chars=9) == ["aaaa", "bbbb"]


def test_a_passage_that_does_not_fit_is_skipped_for_one_that_does() -> None:
    assert texts(passage("aaaa"), passage("b" * 9), passage("cc"), max_chars=8) == ["aaaa", "cc"]


def test_the_same_text_is_kept_once() -> None:
    assert texts(passage("aaaa"), passage("aaaa"), max_chars=100) == ["aaaa"]


def test_the_best_passage_is_kept_even_when_it_is_too_long() -> None:
    assert texts(passage("a" * 50), max_chars=10) == ["a" * 50]
