import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docchat.core.models import Chunk, Passage, Sources, TextDelta
from docchat.core.output_filter import OutputFilter, readable
from docchat.grounding import MAX_ANSWER_CHARS
from tests.core.rendered import COMMONMARK, tokens, unsafe

HOSTS = ("d.example", "listed.example")
PASSAGES = [
    Passage(Chunk(f"id-{n}", "p.md", f"https://d.example/p{n}#h", f"P{n}", (), "text"), 1.0)
    for n in range(1, 6)
]


def run(*pieces: str) -> tuple[str, list[int]]:
    """The visitor's text, and the numbers that have a source."""
    answer = OutputFilter(PASSAGES, {"listed.example"})
    events = [event for piece in pieces for event in answer.feed(readable(piece))] + answer.close()
    numbers = [s.n for event in events if isinstance(event, Sources) for s in event.sources]
    return "".join(event.text for event in events if isinstance(event, TextDelta)), numbers


def cut(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.choices(range(len(text) + 1), k=6))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "[b](https://d.example/x#y)",
        "[`useState`](https://d.example/r?a=1&b=2) and more",
        "**[b](https://listed.example)**",
        "<https://d.example/x>",
        "See https://d.example/a_(b), or https://d.example.",
        "mail@d.example",
        "a < b, a <= b, x <- y",
        "`<script>` and `[x](javascript:x)` and `http://evil.example`",
        "```html\n<img src=x onerror=alert(1)>\n[x](http://evil.example)\n```\n",
        "&nbsp;&copy;&#123;&rarr;",
        "- [ ] todo [sic] a[i]",
        "npm i @docusaurus/core@3",
        "Windows C:\\Users and 1\\. and \\*",
        "| a | `b \\| c` |\n|---|---|\n| d | `e` |\n",
        "日本語のテキスト、مرحبا 👍🏽",
    ],
)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert run(text)[0] == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a [b](https://evil.example/x?q=1) c", "a b (`evil.example`) c"),
        ("[evil.example](https://evil.example/x)", "evil.example"),
        ("[b](https://d.example@evil.example/)", "b (`d.example@evil.example`)"),
        ("[b](https://d.example.evil.example/)", "b (`d.example.evil.example`)"),
        ("[b](//evil.example/x)", "b (`evil.example`)"),
        ("[b](./install.md).", "b."),
        ("[b](javascript:alert(1))", "b"),
        ("[b](java&#115;cript:alert`1`)", "[b] (java&amp;#115;cript:alert`1`)"),
        ("[b](data:text/html,x)", "b"),
        ("[b](https:\\\\evil.example)", "b"),
        ("[b](mailto:x@evil.example)", "b (`x@evil.example`)"),
        ("[b](https://d.example/x 'see [1]')", "[b] (https://d.example/x 'see [1]')"),
        ('[b](https://d.example/x "t")', "[b](https://d.example/x)"),
        ("[b](https://d.example/x_(y))", "[b](https://d.example/x_%28y%29)"),
        ("[https://d.example/x](https://d.example/x)", "<https://d.example/x>"),
        ("[a [b](https://d.example/x) c](https://d.example/y)",
         "[a [b](https://d.example/x) c] (https://d.example/y)"),
        ("![alt](https://d.example/i.png) x", "alt x"),
        ("![](https://evil.example/i.png?leak)", "\u00a0"),
        ("[![alt](https://evil.example/i.png)](https://d.example/x)", "[alt](https://d.example/x)"),
        ("[x]: https://evil.example", "[x] : `https://evil.example`"),
        ("[^1]: https://evil.example", "[1] : `https://evil.example`"),
        ("<https://evil.example/a>", "`https://evil.example/a`"),
        ("<javascript:alert(1)>", "`javascript:alert(1)`"),
        ("See https://evil.example/a.", "See `https://evil.example/a`."),
        ("HTTP://EVIL.example", "`HTTP://EVIL.example`"),
        ("www.evil.example/x", "`www.evil.example/x`"),
        ("//evil.example/x", "`//evil.example/x`"),
        ("me@evil.example", "me@`evil.example`"),
        ("https://d.example/x[1]", "<https://d.example/x>[1]"),
        ("https[99]://evil.example", "`https://evil.example`"),
        ("ht[tps://evil.example](x)", "`https://evil.example`"),
        ("https\\://evil.example", "`https\\://evil.example`"),
        ("https&colon;//evil.example", "https&amp;colon;`//evil.example`"),
        ("<b>x</b>", "&lt;b>x&lt;/b>"),
        ("<[99]script>", "&lt;script>"),
        ("<!-- x -->", "&lt;!-- x -->"),
        ("&#x202e;&zwnj;", "&amp;#x202e;&amp;zwnj;"),
        ("a ` b", "a \\` b"),
        ("[`a``](https://evil.example)`", "[`a``] (https://evil.example)`"),
        ("\\https://evil.example", "\\ `https://evil.example`"),
        ("https://evil.example/a_(b) c", "`https://evil.example/a_(b)` c"),
        ("(https://evil.example/a)", "(`https://evil.example/a`)"),
        ("https://evil.example/(a))", "`https://evil.example/(a)`)"),
        ("[https://d.example/x] y", "[`https://d.example/x`] y"),
        ("\\https://d.example/x[1]", "\\ <https://d.example/x>[1]"),
        ("a [](https://evil.example/x) c", "a \u00a0(`evil.example`) c"),
        ("[# a](//) b", "\u00a0# a b"),
        ("`a\nb`", "`a b`"),
        ("a [`x`](y)`z`", "a `x` `z`"),
        ("~~~ a|b\n-|-\n[x](https://evil.example)", "~~~ a|b\n-|-\nx (`evil.example`)"),
    ],
)  # fmt: skip
def test_what_is_not_safe_becomes_text(text: str, safe: str) -> None:
    assert run(text)[0] == safe
    assert not unsafe(safe, HOSTS)


def test_a_piece_is_read_without_what_nobody_sees() -> None:
    assert readable("a\u202eb\u200bc\x00d\U000e0041e\r\nf\u2028g") == "abcde\nf\ng"


@pytest.mark.parametrize("text", ["[" + "a" * 600, "[a](" + "b" * 600, "https://" + "c" * 600])
def test_nothing_is_held_back_for_long(text: str) -> None:
    answer = OutputFilter(PASSAGES)
    events = [event for char in text for event in answer.feed(char)]
    assert "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_link_whose_words_come_in_pieces_is_the_same_link() -> None:
    assert run("[https://d.exa", "mple/x](https://d.example/x)")[0] == "<https://d.example/x>"
    assert run("[a `b", "` c](https://evil.", "example)")[0] == "a `b` c (`evil.example`)"


def test_plain_prose_is_not_held_back() -> None:
    assert OutputFilter(PASSAGES).feed("Run the installer, then") == [
        TextDelta("Run the installer, then")
    ]


PARTS = st.sampled_from(
    [
        *("[", "]", "(", ")", "](", "![", "[x](http://evil.example/a)", "[x](https://d.example/o)"),
        *("![i](http://evil.example/a)", "http://evil.example", "https://d.example/p", "www."),
        *("https://d.example", "evil.example", "@", "a@b.co", "//e.co", "<", "<b>", "</", "<!--"),
        *("-->", "<http://evil.example>", "<https://d.example/x>", "[a]: http://evil.example\n"),
        *("&#58;", "&colon;", "&commat;", "&", "&#x202e;", "`", "``", "```", "~~~", "```\n"),
        *("~~~\n", "\n", "\n", "\n\n", " ", "  ", "    ", "\t", "- ", "* ", "1. ", "2. ", "> "),
        *("# ", "---", "===", "|", "|-|-|\n", "a|b\n-|-\n", ":-", "\\", ":", "!", "*", "_", "~"),
        *("[1]", "[2]", "[7]", "[9]", "[^9]", "[1, 3]", "\u30109\u3011", "'", '"', ".", "word"),
        *("h", "t", "https:", "javascript:", "\u202e", "\u200b", "\r", "/"),
    ]
)
TEXTS = st.lists(PARTS, max_size=40).map("".join)
many = settings(max_examples=1000, deadline=None)


@many
@pytest.mark.no_cover
@given(TEXTS)
def test_no_renderer_finds_anything_unsafe(text: str) -> None:
    assert not unsafe(run(text)[0], HOSTS)


@many
@pytest.mark.no_cover
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_pieces_of_the_stream_do_not_change_the_result(text: str, rng: random.Random) -> None:
    assert run(*cut(text, rng)) == run(*text) == run(text)


@many
@pytest.mark.no_cover
@given(TEXTS)
def test_every_number_that_a_reader_sees_has_its_source(text: str) -> None:
    said, numbers = run(text)
    prose = "".join(t.content for t in tokens(COMMONMARK, said) if t.type == "text")
    assert {int(n) for n in re.findall(r"\[\s*(\d+)\s*\]", prose)} <= set(numbers)


@many
@pytest.mark.no_cover
@given(TEXTS)
def test_what_was_filtered_once_is_still_safe_when_it_is_filtered_again(text: str) -> None:
    said, _ = run(text)
    assert not unsafe(run(said)[0], HOSTS)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "unit",
    [
        *("[", "]", "](", "![", "[a](b ", "<", "<a:", "&", "&#", "@", "@a.", "https://", "www."),
        *("http", "//a.", "\\", "`", "` ", "|", "|-|\n", "a|b\n-|-\n", "[a](", "[a](b)", "h"),
    ],
)
@pytest.mark.no_cover
def test_a_long_answer_takes_linear_time(unit: str) -> None:
    text = unit * (MAX_ANSWER_CHARS // len(unit))
    assert run(*(text[at : at + 20] for at in range(0, len(text), 20))) == run(text)
