import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.abstention import Declaration
from docchat.core.prompt import NOT_IN_DOCS


def run(*pieces: str) -> tuple[str, bool | None]:
    declaration = Declaration()
    text = "".join(declaration.feed(piece) for piece in pieces) + declaration.close()
    return text, declaration.declared


@pytest.mark.parametrize("text", ["An answer.", "NOT", "NOT_IN_DOC", "", "  ", "Say NOT_IN_DOCS"])
def test_an_answer_passes_unchanged(text: str) -> None:
    assert run(*text) == (text, False)
    assert run(text) == (text, False)


@pytest.mark.parametrize("text", [NOT_IN_DOCS, f"\n {NOT_IN_DOCS}\n", f"{NOT_IN_DOCS}. But"])
def test_a_declaration_never_gets_past(text: str) -> None:
    assert run(*text) == ("", True)
    assert run(text) == ("", True)


@given(st.lists(st.sampled_from([*"NOT_IN_DOCS x\n"])), st.integers(0, 20))
def test_the_pieces_do_not_change_the_result(characters: list[str], cut: int) -> None:
    text = "".join(characters)
    assert run(text[:cut], text[cut:]) == run(text)


def test_text_is_held_back_only_while_it_could_become_a_declaration() -> None:
    declaration = Declaration()
    assert declaration.feed("NOT") == ""
    assert declaration.feed(" so") == "NOT so"
    assert declaration.feed(" fast") == " fast"
