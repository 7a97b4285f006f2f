import re
from textwrap import indent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from docchat.core.set_out import fences_set_out

FENCE = "```sh\nmake\n\n  deeper\n```"


def fences(text: str) -> list[str]:
    return [token.content for token in MarkdownIt().parse(text) if token.type == "fence"]


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Text.\n\n{:4}",
        "  a\n\n{:6}\n\nText.",
        "{:4}\n{:8}",
        "{:4}\n\n1. Item\n\n{:3}",
        "- item\n\n{:2}\n\n  - inner\n\n{:4}\n\n{:8}",
        "10. Item\n\n{:8}",
    ],
)
def test_every_fence_is_a_fence_for_a_reader_of_the_text_alone(around: str) -> None:
    class Indented:
        def __format__(self, spaces: str) -> str:
            return indent(FENCE, " " * int(spaces or 0))

    text = around.format(*[Indented()] * around.count("{"))
    assert fences(fences_set_out(text)) == ["make\n\n  deeper\n"] * around.count("{")


@pytest.mark.parametrize(
    "text",
    [
        "- item\n\n  ```\n  a\n  ```",
        "1.  item\n\n    ```\n    a\n    ```",
        "> ```\n> a\n> ```",
        "- ```\n  a\n  ```",
        "Text.\n\n    indented code",
        "\tTabs.",
    ],
)
def test_what_is_in_its_place_stays_there(text: str) -> None:
    assert fences_set_out(text) == text


def test_the_code_of_a_fence_keeps_its_own_indentation() -> None:
    block = "\t```make\n\tall:\n\t\tcc a.c\n\t```"
    assert fences_set_out(block) == "```make\nall:\n\tcc a.c\n```"
    assert fences_set_out("      ```\n    less\n      ```") == "```\nless\n```"


@given(st.text("-1. >`~\t\nab", max_size=200))
def test_nothing_but_spaces_is_lost_and_a_second_time_changes_nothing(text: str) -> None:
    once = fences_set_out(text)
    assert re.sub(r"\s", "", once) == re.sub(r"\s", "", text)
    assert len(once) <= len(text)
    assert once.count("\n") == text.count("\n")
