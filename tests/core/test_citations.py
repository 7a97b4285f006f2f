import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.citations import CitationFilter
from docchat.core.models import Chunk, Passage, Source, Sources, TextDelta


def passages(count: int) -> list[Passage]:
    return [
        Passage(
            Chunk(
                f"id-{n}", f"p{n}.md", f"https://d.example/p{n}#h", f"Page {n}", ("H",), f"text {n}"
            ),
            1.0 / n,
        )
        for n in range(1, count + 1)
    ]


def run(pieces: list[str], count: int = 5) -> tuple[str, list[Source]]:
    citations = CitationFilter(passages(count))
    events = [event for piece in pieces for event in citations.feed(piece)] + citations.close()
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
        ("A [2, 4]", "A [1][2]", [2, 4]),
        ("A [2; 9]", "A [1]", [2]),
        ("A [1-3]", "A [1][2][3]", [1, 2, 3]),
        ("A [2][2]", "A [1][1]", [2]),
        ("use `a[1]` here [2]", "use `a[1]` here [1]", [2]),
        ("```js\na[1]\n```\nso [2]", "```js\na[1]\n```\nso [1]", [2]),
        ("- ~~~\n  a[1]\n  ~~~\n[2]", "- ~~~\n  a[1]\n  ~~~\n[1]", [2]),
        ("``a`[1]`` [2]", "``a`[1]`` [1]", [2]),
        ("an open ` tick\n\nthen [1]", "an open ` tick\n\nthen [1]", [1]),
        (r"literal \[1\]", r"literal \[1\]", []),
        ("[x] [ ] [abc](u)", "[x] [ ] [abc](u)", []),
        ("forged [1](https://evil.example)", "forged [1] (https://evil.example)", [1]),
        ("[2]: https://evil.example", "[1] : https://evil.example", [2]),
        ("cut [1", "cut [1", []),
        ("spaces  kept [1]  ", "spaces  kept [1]  ", [1]),
        ("[99999999999999999999999999999999999]", "[99999999999999999999999999999999999]", []),
    ],
)
def test_only_markers_of_this_requests_passages_are_shown_and_numbered_by_first_use(
    given: str, shown: str, cited: list[int]
) -> None:
    text, sources = run([given])
    assert text == shown
    assert [s.url for s in sources] == [f"https://d.example/p{n}#h" for n in cited]
    assert [s.n for s in sources] == list(range(1, len(cited) + 1))


PARTS = st.sampled_from(
    [
        "[1]",
        "[2]",
        "[7]",
        "[1, 3]",
        "[",
        "]",
        "`",
        "```\n",
        "~~~",
        "\n",
        "\n\n",
        " ",
        "word",
        ".",
        "\\",
        "(",
        ":",
        "12",
        "- ",
    ]
)


@given(st.lists(PARTS, max_size=40), st.randoms(use_true_random=False))
def test_the_pieces_of_the_stream_do_not_change_the_result(
    parts: list[str], rng: random.Random
) -> None:
    text = "".join(parts)
    cuts = sorted(rng.choices(range(len(text) + 1), k=6))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert run(pieces) == run([text])


@given(st.lists(PARTS, max_size=40))
def test_every_number_shown_outside_code_has_its_source(parts: list[str]) -> None:
    text = "".join(parts).replace("`", "").replace("~", "").replace("\\", "")
    shown, sources = run([text])
    for n in range(1, 10):
        if f"[{n}]" in shown:
            assert n in {s.n for s in sources}


def test_a_source_comes_before_the_text_that_cites_it() -> None:
    events = CitationFilter(passages(2)).feed("yes [2].")
    assert isinstance(events[0], Sources)
    assert events[0].sources[0].title == "Page 2 › H"
    assert events[0].sources[0].snippet == "text 2"


def test_a_snippet_has_no_heading_or_fence_marks() -> None:
    text = "## Install\n\n```sh\npip install x  # now\n```"
    citations = CitationFilter([Passage(Chunk("i", "p", "u", "T", (), text), 1.0)])
    event = citations.feed("x [1].")[0]
    assert isinstance(event, Sources)
    assert event.sources[0].snippet == "Install pip install x # now"


def test_a_long_snippet_ends_at_a_word() -> None:
    long = Passage(Chunk("i", "p", "u", "T", (), "word " * 100), 1.0)
    citations = CitationFilter([long])
    event = citations.feed("x [1].")[0]
    assert isinstance(event, Sources)
    snippet = event.sources[0].snippet
    assert len(snippet) <= 245
    assert snippet.endswith("word …")
