import random
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from docchat.core.citations import source_of, without_citations
from docchat.core.models import Chunk, Passage, Source, Sources, TextDelta
from docchat.core.output_filter import OutputFilter
from docchat.grounding import MAX_ANSWER_CHARS
from tests.core.citing import PARTS, code, cut, link_text, passages, prose, tokens_of

NOTHING = "\u00a0"


def run(pieces: list[str], count: int = 5) -> tuple[str, list[Source]]:
    shown = OutputFilter(passages(count))
    events = [event for piece in pieces for event in shown.feed(piece)] + shown.close()
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    sources = [s for event in events if isinstance(event, Sources) for s in event.sources]
    return text, sources


@pytest.mark.parametrize(
    ("given", "shown", "cited"),
    [
        ("A [3]. B [1]. C [3].", "A [1]. B [2]. C [1].", [3, 1]),
        ("A [9].", "A.", []),
        ("A [9] b", "A b", []),
        ("A [0][2]", "A [1]", [2]),
        ("in [0, 1] or `[0, 1]` [2]", "in (0, 1) or `[0, 1]` [1]", [2]),
        ("INFO[0003] up [1]", "INFO (0003) up [1]", [1]),
        ("a class [0-9] of [^02]", "a class (0-9) of (^02)", []),
        ("[a][0-9] [0-2](x)", "[a] (0-9) (0-2)(x)", []),
        ("A [8][9], b [7][8] `c` [7][8]d", "A, b `c` d", []),
        ("A [2, 4]", "A [1][2]", [2, 4]),
        ("A [2; 9]", "A [1]", [2]),
        ("A [1-3]", "A [1][2][3]", [1, 2, 3]),
        ("A [2][2]", "A [1][1]", [2]),
        ("use `a[1]` here [2]", "use `a[1]` here [1]", [2]),
        ("```js\na[1]\n```\nso [2]", "```js\na[1]\n```\nso [1]", [2]),
        ("- ~~~\n  a[1]\n  ~~~\n[2]", "- ~~~\n  a[1]\n  ~~~\n[1]", [2]),
        ("``a`[1]`` [2]", "``a`[1]`` [1]", [2]),
        ("an open ` tick\n\nthen [1]", "an open \\` tick\n\nthen [1]", [1]),
        ("[x] [ ] [-1] [abc]", "[x] [ ] [-1] [abc]", []),
        ("forged [1](https://evil.example)", "forged [1] (`https://evil.example`)", [1]),
        ("[2]: https://evil.example", "[1] : `https://evil.example`", [2]),
        ("cut [1", "cut [1", []),
        ("spaces  kept [1]  ", "spaces  kept [1]  ", [1]),
        ("A [99999999999999999999999999999999999].", "A.", []),
        ("[9] According to", "According to", []),
        ("- [9] foo [2]", "- foo [1]", [2]),
    ],
)
def test_only_markers_of_this_requests_passages_are_shown_and_numbered_by_first_use(
    given: str, shown: str, cited: list[int]
) -> None:
    text, sources = run([given])
    assert text == shown
    assert [s.url for s in sources] == [f"https://d.example/p{n}#h" for n in cited]
    assert [s.n for s in sources] == list(range(1, len(cited) + 1))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("[[99]9]", ""),
        ("[[99]2]", "[1]"),
        ("[9[99]]", ""),
        ("[[[[99]9]9]9]", ""),
        ("[[2], [3]]", "[1][2]"),
        ("[x[99]9]", "[x9]"),
        (f"[9[99]{' ' * 70}]", f"9\u00a0{' ' * 70}]"),
        (f"[9{' ' * 70}]", f"9{' ' * 70}]"),
    ],
)
def test_what_surrounds_a_dropped_marker_makes_no_new_one(given: str, shown: str) -> None:
    assert run([given])[0] == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("[99]```\na[9]\n```\nb[9]\n```", "\u00a0\\`\\`\\`\na\n```\nb[9]\n```"),
        ("``[99]`x [9]`", "\\`\\` `x [9]`"),
        ("`x` [99]`y`", "`x` `y`"),
        ("`x`[99]`y`", "`x` `y`"),
        ("[99]~~~\n[x](https://e.example)", "\u00a0~~~\nx (`e.example`)"),
    ],
)
def test_what_surrounds_a_dropped_marker_makes_no_new_code(given: str, shown: str) -> None:
    assert run([given])[0] == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("[1](http://d.example)", "[1] (http://d.example)"),
        ("[1](http://e.example)", "[1] (`http://e.example`)"),
        ("[1][99](http://e.example)", "[1] (`http://e.example`)"),
        ("[1] [99](http://e.example)", "[1] (`http://e.example`)"),
        ("![1](http://e.example)", "![1] (`http://e.example`)"),
        ("[see [1]](http://d.example/)", "[see [1]] (http://d.example/)"),
        ("[**[1]**](http://e.example)", "[1] (`http://e.example`)"),
        ("[1][99]: http://e.example", "[1] : `http://e.example`"),
        ("[1][x]\n\n[x]: http://e.example", "[1][x]\n\n[x] : `http://e.example`"),
        ("[a](`) [9] `", "[a] (`) [9] `"),
        ("<x:a[2, 3]`1> [9] `", "&lt;x:a[1][2]`1> [9] `"),
    ],
)
def test_a_citation_is_never_made_a_link(given: str, shown: str) -> None:
    assert run([given])[0] == shown
    assert "[1]" not in link_text(shown)
    assert not [t for t in tokens_of(shown) if t.type == "image"]


FORMS = [
    r"\[{}]",
    r"\[{}\]",
    r"[{}\]",
    "[{}\n]",
    "[ {} ]",
    "[^{}]",
    "[*{}*]",
    "[**{}**]",
    "[passage {}]",
    "[Source {}]",
    "\u3010{}\u3011",
    "\uff3b{}\uff3d",
    "[[{}]]",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("digits", ["{}", "\uff10{}"], ids=["plain", "full width"])
def test_whatever_looks_like_a_citation_counts_as_one(form: str, digits: str) -> None:
    assert run([f"A {form.format(digits.format(2))}."])[0] == "A [1]."
    assert run([f"A {form.format(digits.format(9))}."])[0] == "A."


def test_a_citation_behind_a_lone_backtick_is_filtered() -> None:
    assert run(["Press the ` key, see [9]"])[0] == "Press the \\` key, see"
    assert run(["Press the ` key, see [9]\n\n`a[9]`"])[0] == "Press the \\` key, see\n\n`a[9]`"


def test_what_looks_like_a_fence_and_is_a_code_span_does_not_hide_citations() -> None:
    for start in ("```npm install```", "> ```a```", "1. ```x```"):
        assert run([f"{start} [9] [2]"])[0] == f"{start} [1]"


TEXTS = st.lists(st.sampled_from(PARTS), max_size=40).map("".join)
many = settings(max_examples=1000, deadline=None)


@many
@pytest.mark.no_cover
@given(TEXTS)
def test_every_number_that_a_renderer_shows_outside_code_has_its_source(text: str) -> None:
    shown, sources = run([text])
    numbers = {int(n) for n in re.findall(r"\[\s*(\d+)\s*\]", prose(shown))}
    assert numbers <= {s.n for s in sources}


@many
@pytest.mark.no_cover
@given(TEXTS)
def test_code_stays_as_it_is(text: str) -> None:
    assume("<" not in text)
    assume(not re.search(r"\][(:]", text))  # there, backticks may be part of a link
    assume(not re.search(r"\n[ >]*[\[:!]", text))  # there, a block begins to some renderers
    assume(not re.search(r"(?m)^[ >]* {4}[^a-z]", text))  # renderers differ
    assert code(run([text])[0]) == code(text)


@many
@pytest.mark.no_cover
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_pieces_of_the_stream_do_not_change_the_result(text: str, rng: random.Random) -> None:
    assert run(cut(text, rng)) == run(list(text)) == run([text])


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    ["[", "[ ", "[x", "[9", "[9]", "[9][", "[1](", "\\", " ", "\n", "[1 1  ", "[99]  ", "`[9]`"],
)
@pytest.mark.no_cover
def test_a_long_answer_takes_linear_time(unit: str) -> None:
    text = unit * (MAX_ANSWER_CHARS // len(unit))
    assert run([text[at : at + 1000] for at in range(0, len(text), 1000)]) == run([text])


def test_prose_does_not_wait_for_the_end_of_its_line() -> None:
    shown = OutputFilter(passages(2))
    assert shown.feed("Run the") == [TextDelta("Run the")]
    assert shown.feed(" installer, then") == [TextDelta(" installer, then")]


def test_a_source_comes_before_the_text_that_cites_it() -> None:
    events = OutputFilter(passages(2)).feed("yes [2].")
    assert isinstance(events[0], Sources)
    assert events[0].sources[0].title == "Page 2 › H"
    assert events[0].sources[0].snippet == "text 2"


def snippet(text: str, title: str = "T") -> Source:
    return source_of(1, Passage(Chunk("i", "p", "u", title, (), text), 1.0))


def test_a_source_names_its_chunk_for_the_log() -> None:
    assert snippet("text").chunk_id == "i"


def test_a_snippet_has_no_heading_or_fence_marks() -> None:
    text = "## Install\n\n```sh\npip install x  # now\n```"
    assert snippet(text).snippet == "Install pip install x # now"


def test_a_long_snippet_ends_at_a_word() -> None:
    shown = snippet("word " * 100).snippet
    assert len(shown) <= 245
    assert shown.endswith("word …")


def test_a_sources_title_is_one_visible_line_of_bounded_length() -> None:
    shown = snippet("x", title="A\u202e\nB " + "long " * 100).title
    assert shown.startswith("A B long")
    assert len(shown) <= 205


def test_an_earlier_answer_goes_without_its_markers() -> None:
    assert without_citations("A [3]. `b[0]` [1]") == "A. `b[0]`"
