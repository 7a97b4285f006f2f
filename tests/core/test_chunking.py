import json
import re
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.chunking import chunk
from docchat.core.markdown import sections
from docchat.core.models import Chunk, Page
from docchat.core.splitting import split

URL = "https://docs.example/page"
LONG = " ".join(f"long{n}" for n in range(138))  # 993 characters


def page(body: str, *, title: str = "Page", path: str = "page.md") -> Page:
    return Page(path=path, url=URL, title=title, body=body)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def shape(chunks: list[Chunk]) -> list[tuple[str, tuple[str, ...], str]]:
    return [(c.url.removeprefix(URL), c.heading_path, c.text) for c in chunks]


def test_every_long_section_is_a_chunk_of_its_own() -> None:
    body = f"{LONG}\n\n## A\n\n{LONG}\n\n### B\n\n{LONG}"
    assert shape(chunk(page(body))) == [
        ("", (), LONG),
        ("#a", ("A",), LONG),
        ("#b", ("A", "B"), LONG),
    ]


def test_small_siblings_are_merged_under_their_common_heading() -> None:
    body = f"{LONG}\n\n## A\n\n{LONG}\n\n### B\n\nb\n\n### C\n\nc\n\n## D\n\n{LONG}"
    assert shape(chunk(page(body)))[2] == ("#b", ("A",), "### B\n\nb\n\n### C\n\nc")


def test_small_subsections_are_merged_into_their_parent() -> None:
    body = f"{LONG}\n\n## A\n\na\n\n### B\n\nb\n\n## D\n\n{LONG}"
    assert shape(chunk(page(body)))[1] == ("#a", ("A",), "a\n\n### B\n\nb")


def test_sections_under_different_parents_are_not_merged() -> None:
    body = f"## A\n\n{LONG}\n\n### B\n\nb\n\n## C\n\n{LONG}"
    assert [c.url for c in chunk(page(body))] == [f"{URL}#a", f"{URL}#b", f"{URL}#c"]


def test_a_small_page_is_one_chunk() -> None:
    assert shape(chunk(page("# Page\n\nintro\n\n## A\n\na\n\n## B\n\nb"))) == [
        ("", (), "intro\n\n## A\n\na\n\n## B\n\nb")
    ]


def test_a_page_without_text_has_no_chunk() -> None:
    for body in ("", "# Page\n", "<!-- nothing -->", "import a from 'a'\n", "\u200b"):
        assert chunk(page(body)) == []


def test_a_heading_without_text_is_not_lost() -> None:
    assert shape(chunk(page("## Only"))) == [("#only", ("Only",), "Only")]
    body = f"## A\n\n{LONG}\n\n## B\n\n### C\n\n{LONG}\n\n## D"
    assert words("A B C D") <= words(" ".join(c.embedded_text for c in chunk(page(body))))


def test_equal_chunks_of_a_page_are_one() -> None:
    body = f"## A\n\n{LONG}\n\n## A\n\n{LONG}"
    assert shape(chunk(page(body))) == [("#a", ("A",), LONG)]


def test_the_id_depends_on_path_title_headings_and_text_alone() -> None:
    def only_id(body: str, **changed: str) -> str:
        (only,) = chunk(page(body, **changed))
        return str(UUID(only.id))

    same = only_id("## A\n\ntext")
    assert only_id("## A\n\ntext\n\n\n") == same
    assert only_id("## A {#other}\n\ntext") == same
    changed = {
        only_id("## A\n\ntext", path="other.md"),
        only_id("## A\n\ntext", title="Other"),
        only_id("## B\n\ntext"),
        only_id("## A\n\ntexts"),
        only_id("## A text"),
        only_id("text"),
    }
    assert same not in changed
    assert len(changed) == 6


def test_an_id_is_the_same_on_every_machine() -> None:
    (only,) = chunk(page("## A\n\ntext"))
    assert only.id == "740d64a3-978f-92d2-ea0e-9bc377e040b0"


def test_long_text_is_cut_between_paragraphs() -> None:
    paragraphs = [f"p{n} " + "x" * 90 for n in range(6)]
    assert split("\n\n".join(paragraphs), 200) == [
        "\n\n".join(pair) for pair in zip(paragraphs[::2], paragraphs[1::2], strict=True)
    ]


def test_a_long_paragraph_is_cut_between_lines_then_sentences_then_words() -> None:
    assert split("- one one\n- two two\n- three", 20) == ["- one one\n- two two", "- three"]
    assert split("One one. Two two. Three three.", 20) == ["One one. Two two.", "Three three."]
    assert split("one two three four", 10) == ["one two", "three four"]
    assert split("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_a_fence_that_fits_is_never_cut() -> None:
    fence = "```js\n" + "a()\n\n" * 150 + "```"
    assert split(f"{LONG}\n\n{fence}\n\n{LONG}", 993) == [LONG, fence, LONG]


def test_a_longer_fence_is_cut_between_lines_and_opened_again() -> None:
    lines = [f"line{n}()" for n in range(100)]
    code = "\n".join(lines)
    block = re.compile(r"([- ]) ````js title='a'\n(.*?)\n  ````", re.DOTALL)
    first, *fences, last = split(f"before\n\n- ````js title='a'\n{code}\n  ````\n\nafter", 300)
    found = [block.fullmatch(piece) for piece in [*fences, last.removesuffix("\n\nafter")]]
    assert first == "before"
    assert [match[1] for match in found if match] == ["-", " ", " ", " "]
    assert "\n".join(match[2] for match in found if match) == code


@given(st.text(alphabet="ab .\n\n\t!?é", max_size=800), st.integers(min_value=20, max_value=120))
def test_cutting_prose_loses_no_character_and_keeps_the_limit(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


WORD = st.text(alphabet="abcdefghij", min_size=1, max_size=12)
PROSE = st.lists(WORD, min_size=1, max_size=60).map(" ".join)
HEADING = st.builds("{} {}".format, st.sampled_from(["##", "###", "####", "#####"]), PROSE)
FENCE = st.lists(WORD, max_size=40).map(lambda lines: "\n".join(["```", *lines, "```"]))
LIST = st.lists(PROSE, min_size=1, max_size=8).map(lambda items: "\n".join(f"- {i}" for i in items))
BODY = st.lists(PROSE | HEADING | FENCE | LIST, max_size=12).map("\n\n".join)


@given(BODY)
def test_no_word_is_lost_and_no_chunk_is_too_long(body: str) -> None:
    chunks = chunk(page(body), max_chars=300)
    assert all(0 < len(c.text) <= 300 for c in chunks)
    assert len({c.id for c in chunks}) == len(chunks)
    found = set(words(" ".join(c.embedded_text for c in chunks)))
    assert set(words(body)) <= found | {"Page"}


@given(BODY)
def test_every_code_line_stays_in_a_fence(body: str) -> None:
    for made in chunk(page(body), max_chars=300):
        assert made.text.count("```") % 2 == 0


@given(BODY)
def test_every_anchor_and_path_is_that_of_a_section(body: str) -> None:
    found = sections(body, title="Page")
    anchors = {section.anchor for section in found}
    paths = {section.heading_path[:n] for section in found for n in range(6)}
    for made in chunk(page(body)):
        assert made.url.removeprefix(URL).removeprefix("#") in anchors
        assert made.heading_path in paths


@given(st.text(alphabet="#`~<>[]{}*-\n \tab1.", max_size=600), st.integers(100, 200))
def test_any_text_is_chunked_within_the_limit(body: str, limit: int) -> None:
    chunks = chunk(page(body), max_chars=limit)
    assert all(made.text.strip() and len(made.text) <= limit for made in chunks)
    assert chunks == chunk(page(body), max_chars=limit)


def test_five_documentation_sites_are_chunked(test_data: Path) -> None:
    lines = (test_data / "retrieval/docs_corpus.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 1186
    pages = [Page(r["path"], r["url"] or URL, r["title"] or "", r["text"]) for r in rows]
    chunks = [made for each in pages for made in chunk(each)]
    assert len(chunks) > 10_000
    assert all(0 < len(made.text) <= 1000 for made in chunks)
    assert len({made.id for made in chunks}) == len(chunks)


@pytest.mark.parametrize(
    "pattern",
    [
        "a ",
        "a.",
        "# a\n",
        "```\n",
        "> ```\n",
        "a\n\n",
        "x",
        "- ```\n",
        "# a\n\nb\n\n",
        "# a\n\n## b\n\nc\n\n",
    ],
)
@pytest.mark.timeout(30)  # 2 s on an idle machine; what is not linear takes minutes
@pytest.mark.no_cover
def test_a_megabyte_of_one_pattern_is_cut_in_seconds(pattern: str) -> None:
    body = pattern * (1_000_000 // len(pattern))
    assert all(len(made.text) <= 1000 for made in chunk(page(body)))
