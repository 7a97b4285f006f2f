import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.markdown import first_heading, sections
from docchat.core.models import Section

MEGABYTE = 1_000_000


def anchors(body: str, *, title: str = "Page") -> list[str]:
    return [section.anchor for section in sections(body, title=title)]


def paths(body: str, *, title: str = "Page") -> list[tuple[str, ...]]:
    return [section.heading_path for section in sections(body, title=title)]


def text(body: str) -> str:
    return "\n---\n".join(section.text for section in sections(body, title="Page"))


def test_text_is_filed_under_its_headings() -> None:
    assert sections("intro\n\n## A\n\na\n\n### B\n\nb\n\n## C\n\nc\n", title="Page") == [
        Section((), "", "intro"),
        Section(("A",), "a", "a"),
        Section(("A", "B"), "b", "b"),
        Section(("C",), "c", "c"),
    ]


def test_the_h1_that_repeats_the_title_is_left_out_of_the_path() -> None:
    assert paths("# Page\n\nintro\n\n## A\n\na", title="Page") == [(), ("A",)]
    assert paths("# `page`\n\nintro", title="Page") == [()]
    assert paths("# Whatever\n\nintro", title="") == [()]


def test_an_h1_that_says_something_else_than_the_title_is_kept() -> None:
    assert paths("# Welcome\n\nintro\n\n## A\n\na", title="Page") == [
        ("Welcome",),
        ("Welcome", "A"),
    ]


def test_a_later_h1_is_an_ordinary_heading_without_an_anchor() -> None:
    body = "# Page\n\nintro\n\n## A\n\na\n\n# Other\n\no\n\n## B\n\nb"
    assert paths(body) == [(), ("A",), ("Other",), ("Other", "B")]
    assert anchors(body) == ["", "a", "", "b"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## Getting Started", "getting-started"),
        ("## What's new in 2.0?", "whats-new-in-20"),
        ("## `createStore(reducer, [state])`", "createstorereducer-state"),
        ("## snake_case and _emphasis_", "snake_case-and-emphasis"),
        ("## **Bold** & *more*", "bold--more"),
        ("## Über Größe 日本語", "über-größe-日本語"),
        ("## A -- B", "a----b"),
        ("## [Linked](http://a.b/c) title", "linked-title"),
        ("## ![Logo](logo.png) Brand", "logo-brand"),
        ("## A &amp; B", "a--b"),
        ("## \\_private\\_", "_private_"),
        ("## `__init__`", "__init__"),
        ("## Closed ##", "closed"),
        ('## New <Badge label="beta" />', "new-"),
        ("## Use <b>it</b> now", "use-it-now"),
        ("## Warning ⚠️", "warning-\ufe0f"),
        ("## x² and Ⅷ", "x-and-ⅷ"),
        ("## Explicit {#my-id}", "my-id"),
        ("## Explicit {/* #my-id */}", "my-id"),
    ],
)
def test_anchors_are_those_of_docusaurus(heading: str, anchor: str) -> None:
    assert anchors(f"{heading}\n\ntext") == [anchor]


def test_a_repeated_heading_gets_a_numbered_anchor() -> None:
    body = "## A\n\n1\n\n## A\n\n2\n\n## A-1\n\n3\n\n## A\n\n4"
    assert anchors(body) == ["a", "a-1", "a-1-1", "a-2"]


def test_headings_that_begin_no_section_still_count_for_anchors() -> None:
    assert anchors("# A\n\nt\n\n## A\n\nt", title="A") == ["", "a-1"]
    assert anchors("> ## A\n\n## A\n\nt") == ["", "a-1"]
    assert anchors("##### A\n\n## A\n\nt") == ["", "a-1"]


def test_inline_markdown_of_a_heading_is_flattened() -> None:
    body = "## The `a_b` of **[C](d)** &lt;<i>e</i>&gt; {#x}\n\ntext"
    assert paths(body) == [("The a_b of C <e>",)]


def test_setext_headings_are_headings() -> None:
    body = "Page\n====\n\nintro\n\nTwo\nlines\n---\n\ntext\n"
    assert paths(body) == [(), ("Two lines",)]


@pytest.mark.parametrize(
    "body",
    [
        "- item\n---",
        "> quote\n---",
        "| a |\n---",
        "\n---",
        "- item\nlazy\n---",
        "#hashtag",
        "####### 7",
    ],
)
def test_what_only_looks_like_a_heading_is_text(body: str) -> None:
    assert paths(f"{body}\n\ntext") == [()]


def test_deeper_headings_stay_in_the_text() -> None:
    assert text("## A\n\na\n##### Deep `x`\nb") == "a\n\n##### Deep `x`\n\nb"


def test_an_endless_heading_is_a_paragraph() -> None:
    words = "word " * 100
    assert paths(f"## A\n\na\n\n## {words}\n\nb") == [("A",)]
    assert words.strip() in text(f"## A\n\na\n\n## {words}\n\nb")


@pytest.mark.parametrize(
    "fence",
    [
        "```sh\n# no heading\n```",
        "~~~\n# no heading\n```\n~~~",
        "`````\n```\n# no heading\n```\n`````",
        "- item\n\n  ```\n  # no heading\n  ```",
        "- ```\n  # no heading\n  ```",
        "> ```\n> # no heading\n> ```",
        "    # no heading",
        "```\n<!-- kept --> <b>kept</b> [kept](url)\nimport kept from 'kept'\n```",
        "```\nnever closed\n# no heading",
    ],
)
def test_code_is_kept_as_it_is(fence: str) -> None:
    assert sections(f"text\n\n{fence}\n", title="Page") == [Section((), "", f"text\n\n{fence}")]


def test_a_quoted_fence_that_is_never_closed_ends_with_its_quote() -> None:
    assert paths("> ```\n> code\n\n## A\n\ntext") == [(), ("A",)]


def test_inline_code_is_kept_as_it_is() -> None:
    kept = "a `<Tag>` b ``x ` [y](z)`` c `<!-- d -->`"
    assert text(kept) == kept


def test_a_backtick_without_a_partner_opens_no_code() -> None:
    assert text("a ` b\n\n<b>c</b> ` d") == "a ` b\n\nc ` d"
    assert text("a \\` <b>c</b> ` d") == "a \\` c ` d"


def test_imports_and_exports_of_mdx_are_dropped() -> None:
    body = (
        "import A from './a';\nimport {\n  B,\n} from './b';\n\n"
        "export const meta = {\n\n  a: [1],\n};\n\n"
        "Text.\n\nimport B from 'b'\n\nexport tea to China."
    )
    assert text(body) == "Text.\n\nexport tea to China."


def test_an_export_that_is_never_closed_does_not_swallow_the_page() -> None:
    assert text("export const a = {\n  b\n\nText.") == "Text."


def test_components_leave_their_text_and_labels() -> None:
    body = (
        '<Tabs groupId="os"\n  values={[{label: "x"}]}>\n<TabItem value="npm" label="With npm">\n\n'
        'run it\n\n</TabItem>\n<TabItem value="yarn">use yarn</TabItem>\n</Tabs>\n\n'
        "<details>\n<summary>More</summary>\nhidden\n</details>\n"
        '<Shot\n  alt="A screen"\n  onClick={() => { a > b }}\n/>'
    )
    found = " ".join(text(body).split())
    assert found == "With npm run it yarn use yarn More hidden A screen"


def test_inline_tags_join_their_words_and_block_tags_part_them() -> None:
    assert text("H<sub>2</sub>O") == "H2O"
    assert text("<td>a</td><td>b</td><br/>c").split() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "kept",
    [
        "a < b and c > d",
        "Array<string>",
        "set <your-name> there",
        "<https://a.b/c>",
        "<a@b.c>",
        "1<2",
    ],
)
def test_what_only_looks_like_a_tag_is_kept(kept: str) -> None:
    assert text(kept) == kept


@pytest.mark.parametrize(
    ("admonition", "expected"),
    [
        (":::note\ninside\n:::", "Note\n\ninside"),
        (":::tip My **title**\ninside\n:::", "My **title**\n\ninside"),
        (":::info[In brackets]\n\ninside\n\n:::", "In brackets\n\ninside"),
        ('::::danger{title="As attribute"}\ninside\n::::', "As attribute\n\ninside"),
    ],
)
def test_admonitions_leave_title_and_text(admonition: str, expected: str) -> None:
    assert text(admonition) == expected


def test_comments_scripts_and_styles_are_dropped() -> None:
    body = (
        "a<!-- x\n\n## y\n-->b\n\n{/* x */}c\n\n<!-- truncate -->\n<style>x</style>d\n\n<!-- open"
    )
    assert text(body) == "ab\n\nc\n\nd\n\n<!-- open"


def test_template_literals_of_components_become_code() -> None:
    assert text("<CodeBlock>{`\n# x\n`}</CodeBlock>") == "```\n# x\n```"


def test_code_of_a_component_in_an_attribute_is_kept() -> None:
    body = "<Release\n  render={(r) => {\n    return <Code>{`\n<a>\n`}</Code>\n  }}\n/>\n\ntext"
    assert text(body) == "```\n<a>\n```\n\ntext"


def test_links_and_images_leave_their_words() -> None:
    body = (
        '[a](http://x.y "t") ![b](c.png) [![d](e.png)](f) [g][r] [h][] [i [j] k](<l m>) n[0][1]'
        "\n\n[r]: http://x.y\n[h]: <z> 'title'\n"
    )
    assert text(body) == "a b d g h i [j] k n[0][1]"


def test_invisible_characters_are_dropped() -> None:
    hidden = "\u200b\u202e\u2066\ufeff\U000e0041\x00\x07\ud800"
    assert text(f"a{hidden}b\r\n\r\n## C{hidden}\r\n\r\nd") == "ab\n---\nd"
    assert paths(f"## C{hidden}&#8203;\n\nd") == [("C",)]


def test_entities_in_the_text_are_left_alone() -> None:
    assert text("a &lt;b&gt; &nbsp;") == "a &lt;b&gt; &nbsp;"


def test_first_heading_is_the_first_h1() -> None:
    assert first_heading("```\n# no\n```\n## B\n\n# The *one*\n\n# Two") == "The one"
    assert first_heading("## B") is None


@given(st.text(alphabet="#`~<>[](){}!*_-=:|\\/\n\t \"'&;ab1\u200b\x00ié", max_size=200))
def test_any_text_is_read(body: str) -> None:
    first_heading(body)
    assert not MARKS & set("".join(read(body)))


@given(st.text())
def test_any_unicode_text_is_read(body: str) -> None:
    assert not MARKS & set("".join(read(body)))


MARKS = set("\x00\x01\x02\x03\x04")
"""What the reader marks places with while it works."""


def read(body: str) -> Iterator[str]:
    for section in sections(body, title="a"):
        yield section.text
        yield from section.heading_path


@pytest.mark.parametrize(
    "pattern",
    [
        *("[", "<!--", ">", "*", "`", "#", "<a {", '<a "', "{`", "[a](", "# a\n", "_a "),
        *("> ```\n", "import {\n\n", "``` `` ` ", "- ", "a\n---\n", "    a\n\n", "<b></b>", " "),
    ],
)
@pytest.mark.timeout(30)  # 1.5 s on an idle machine; what is not linear takes minutes
@pytest.mark.no_cover
def test_a_megabyte_of_one_pattern_is_read_in_seconds(pattern: str) -> None:
    body = pattern * (MEGABYTE // len(pattern))
    assert sum(len(section.text) for section in sections(body)) <= len(body)


def test_commonmark_examples_are_read(test_data: Path) -> None:
    lines = (test_data / "hostile/commonmark_examples.jsonl").read_text(encoding="utf-8")
    examples = [json.loads(line)["text"] for line in lines.splitlines()]
    assert len(examples) > 300
    for example in examples:
        sections(example)
