import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docchat.core.code_spans import CodeSplitter
from docchat.grounding import MAX_ANSWER_CHARS


def split(*pieces: str) -> tuple[str, list[str]]:
    """All the text, and what of it is code; parts of one block are put together."""
    splitter = CodeSplitter()
    segments = [s for piece in pieces for s in splitter.feed(piece)] + splitter.close()
    code: list[str] = []
    was_code = False
    for text, fixed, _ in segments:
        if fixed and text:
            code[-1:] = [code[-1] + text] if was_code else [*code[-1:], text]
        was_code = fixed and bool(text or was_code)
    return "".join(s.text for s in segments), code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a `b` c ``d`e`` f", ["`b`", "``d`e``"]),
        ("a `b\nc` d", ["`b\nc`"]),
        ("a ` b\n\nc `d`", ["`d`"]),
        ("a ` b\n# c `d`", ["`d`"]),
        ("a ` b\n- c `d`", ["`d`"]),
        ("a ` b\n2. c ` d `", ["` b\n2. c `"]),
        ("1. a ` b\n2. c `d`", ["`d`"]),
        ("a ` b\n---\nc `d`", ["`d`"]),
        (r"\`a `b`", ["`b`"]),
        (r"\\`a` b", ["`a`"]),
        ("`` a `b`", ["`b`"]),
        ("```a``` b", ["```a```"]),
        ("> ```a``` b", ["```a```"]),
        ("1. ```a``` b", ["```a```"]),
        ("```sh\na\n```\nb", ["```sh\na\n```\n"]),
        ("~~~~ `x`\n~~~\n~~~~\nb", ["~~~~ `x`\n~~~\n~~~~\n"]),
        ("```\n    ```\n```\nb", ["```\n    ```\n```\n"]),
        ("- ```\n  a\n\n  b\nc", ["- ```\n  a\n\n  b\n"]),
        ("> ```\n> a\nb", ["> ```\n> a\n"]),
        ("1. a\n\n   ```\n   b\n   ```\n   c", ["   ```\n   b\n   ```\n"]),
        ("-\n\n  ```\na\n  ```\nb", ["  ```\na\n  ```\n"]),
        ("a\n    ```\nb", []),
        ("<https://a`b> c `", ["`b> c `"]),
        ("<a> `b`", ["`b`"]),
        ("-\t```\n\ta\nb", ["-\t```\n\ta\n"]),
        ("a `b|c` d\n\n", ["`b|c`"]),
        ("a|b\n-|-\n`c|d`|`e`", ["`e`"]),
        ("a|b\n-|-\n`c\\|d`|`e`", ["`c\\|d`", "`e`"]),
        ("a `|b\n-|-\nc`", []),
        ("a|b\n-|-\nc ` d\ne ` f", []),
        ("a|b\n-|-\n2. ~~~\n", []),
    ],
)
def test_code_is_what_commonmark_says_it_is(text: str, code: list[str]) -> None:
    assert split(text) == (text, code)
    assert split(*text) == (text, code)


def test_code_that_a_table_would_cut_apart_heads_no_table() -> None:
    assert split("a | `b | c`\n-|-|-\n")[0] == "a | `b | c`\n\u00a0-|-|-\n"
    assert split("`a\nb` | c\n-|-\n")[0] == "`a\nb` | c\n\u00a0-|-\n"
    assert split("a | `b`\n-|-\n")[0] == "a | `b`\n-|-\n"


def test_code_waits_no_longer_than_a_thousand_characters() -> None:
    splitter = CodeSplitter()
    assert splitter.feed("a ` " + "b" * 900)[-1].text == "a "
    given_out = splitter.feed("b" * 200)
    assert [(len(text), fixed) for text, fixed, _ in given_out] == [(1102, False)]
    assert splitter.feed(" `c`") == [(" `c`", False, False)]
    assert ("`e`", True, True) in splitter.feed("\n\nd `e`.")


PARTS = [
    "`",
    "``",
    "```",
    "~~~",
    "\n",
    "\n\n",
    " ",
    "    ",
    "a",
    "\\",
    "- ",
    "1. ",
    "> ",
    "|",
    ":",
    "|-|\n",
    "\t",
]


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=40), st.randoms(use_true_random=False))
def test_the_pieces_do_not_change_the_result(parts: list[str], rng: random.Random) -> None:
    text = "".join(parts)
    at = rng.randint(0, len(text))
    assert split(text)[0].replace("\u00a0", "") == text
    assert split(text) == split(*text) == split(text[:at], text[at:])


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        ">" * 125_000 + "` " * 60_000,
        "` " * 125_000,
        "`` " + " `" * 125_000,
        "`` " * 3 + ("``" + " `" * 480 + "\n\n") * 1000,
        "".join("`" * n + " " for n in range(1, 700)),
        "`" * 250_000,
        "~" * 250_000,
        "```" + "x" * 250_000,
        "- " * 125_000,
        ("- " * 19 + "\n") * 4_000 + "\n" * 125_000,
        "```\n" + " " * 250_000,
        "|" * 250_000,
        "a|b\n-|-\n" + "`|` " * 60_000,
        "\\" * 250_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
@pytest.mark.no_cover
def test_a_long_answer_takes_linear_time(text: str) -> None:
    longest = text[:MAX_ANSWER_CHARS]
    assert split(*(longest[at : at + 20] for at in range(0, len(longest), 20))) == split(longest)
