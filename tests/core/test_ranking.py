from docchat.core.models import Chunk, Passage
from docchat.core.ranking import arranged, within_budget


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


def scored(path: str, score: float) -> Passage:
    return Passage(Chunk(f"{path}{score}", path, "u", "T", (), "text"), score)


def test_a_page_of_which_much_was_found_comes_before_a_page_with_one_passage() -> None:
    lone, many = scored("a.md", 0.50), [scored("b.md", 0.48), scored("b.md", 0.40)]
    assert arranged([lone, *many]) == [many[0], lone, many[1]]


def test_a_much_better_passage_stays_first() -> None:
    lone, many = scored("a.md", 1.0), [scored("b.md", 0.3), scored("b.md", 0.2)]
    assert arranged([lone, *many]) == [lone, *many]


def test_a_pages_fourth_passage_comes_after_the_other_pages() -> None:
    many = [scored("b.md", 1.0 - n / 10) for n in range(5)]
    others = [scored("a.md", 0.2), scored("c.md", 0.1)]
    assert arranged([*many, *others]) == [*many[:3], *others, *many[3:]]


def test_passages_of_equal_worth_keep_their_order() -> None:
    passages = [scored("a.md", 0.5), scored("a.md", 0.5), scored("a.md", 0.2)]
    assert arranged(passages) == passages
