import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docchat.core.abstention import AbstentionDetector
from docchat.core.prompt import NOT_IN_DOCS
from docchat.grounding import MAX_ANSWER_CHARS


def run(*pieces: str) -> tuple[str, bool | None]:
    detector = AbstentionDetector()
    text = "".join(detector.feed(piece) for piece in pieces) + detector.close()
    return text, detector.declared


@pytest.mark.parametrize("text", ["An answer.", "NOT", "", "  ", "\n\n# **Yes**", "It is NOT [1]"])
def test_an_answer_passes_unchanged(text: str) -> None:
    assert run(*text) == (text, False)
    assert run(text) == (text, False)


@pytest.mark.parametrize(
    "text",
    [
        NOT_IN_DOCS,
        f"\n {NOT_IN_DOCS}\n",
        f"{NOT_IN_DOCS}. But",
        f"**{NOT_IN_DOCS}**",
        f"`{NOT_IN_DOCS}`",
        f'"{NOT_IN_DOCS}"',
        f"> “{NOT_IN_DOCS}”.",
        f"[{NOT_IN_DOCS}]",
        r"NOT\_IN\_DOCS",
        "NOT_IN",
        "**NOT_",
    ],
)
def test_a_declaration_never_gets_past(text: str) -> None:
    assert run(*text) == ("", True)
    assert run(text) == ("", True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"I'm sorry. {NOT_IN_DOCS}", "I'm sorry. "),
        (f"I'm sorry. **{NOT_IN_DOCS}** But", "I'm sorry. "),
        ("I'm sorry. NOT_IN_D", "I'm sorry. "),
    ],
)
def test_a_sentinel_behind_a_short_text_without_citation_declares(text: str, shown: str) -> None:
    assert run(text) == run(*text) == (shown, True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Text [1] {NOT_IN_DOCS}", "Text [1] "),
        (f"Text [1] **{NOT_IN_DOCS}** more", "Text [1]  more"),
        (f"Text [1].{NOT_IN_DOCS}More", "Text [1]. More"),
        ("Text [1]. NOT_IN", "Text [1]. "),
        (f"{'long ' * 30}{NOT_IN_DOCS}", "long " * 30),
        ("Text [1] NOT_INNOT_IN_DOCS_DOCS", "Text [1] NOT_IN _DOCS"),
    ],
)
def test_a_sentinel_behind_an_answer_is_left_out_and_declares_nothing(
    text: str, shown: str
) -> None:
    assert run(text) == run(*text) == (shown, False)


PARTS = [NOT_IN_DOCS, "NOT", "_IN", "_DOCS", r"NOT\_IN", r"\_DOCS", "*", "**", "`", '"', " ", "\n"]
PARTS += ["word. ", "[1]", "x" * 60, "> ", "["]


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PARTS), max_size=9), st.randoms(use_true_random=False))
def test_the_sentinel_is_never_shown_in_whatever_pieces_it_comes(
    parts: list[str], rng: random.Random
) -> None:
    text = "".join(parts)
    cut = rng.randint(0, len(text))
    shown, declared = run(text)
    assert run(text[:cut], text[cut:]) == run(*text) == (shown, declared)
    assert NOT_IN_DOCS not in shown.replace(r"\_", "_")
    assert declared or not shown.endswith(("NOT_", "NOT_IN"))


def test_text_is_held_back_only_while_it_could_become_a_sentinel() -> None:
    detector = AbstentionDetector()
    assert detector.feed("NOT") == ""
    assert detector.feed(" so") == "NOT so"
    assert detector.feed(" fast") == " fast"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["*", " ", "NOT_IN_DOC", f"[1] {NOT_IN_DOCS}", "NOT_"])
@pytest.mark.no_cover
def test_a_long_answer_takes_linear_time(unit: str) -> None:
    text = unit * (MAX_ANSWER_CHARS // len(unit))
    assert run(*(text[at : at + 20] for at in range(0, len(text), 20))) == run(text)
