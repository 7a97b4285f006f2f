import pytest

from docchat.core.inclusion import with_partials, with_snippets
from docchat.core.markdown import headings, sections

IMPORT = 'import Note from "./_note.mdx"\n\n'


def text(body: str) -> str:
    return "\n".join(section.text for section in sections(body, title="Page"))


def test_a_partial_stands_where_its_component_is() -> None:
    body = IMPORT + 'before\n\n<Note kind="x" />\n\nafter'
    assert text(with_partials(body, {"./_note.mdx": "the **note**"}.get)) == (
        "before\n\nthe **note**\n\nafter"
    )


def test_a_component_in_code_is_not_replaced() -> None:
    body = IMPORT + "`<Note />`\n\n```jsx\n<Note />\n```"
    assert with_partials(body, {"./_note.mdx": "the note"}.get).count("the note") == 0


def test_a_partial_keeps_its_own_anchors() -> None:
    body = IMPORT + "## Limits\n\n<Note />\n\n## Limits\n"
    whole = with_partials(body, {"./_note.mdx": "## Limits\n\nnone"}.get)
    assert [heading.anchor for heading in headings(whole)] == ["limits", "limits", "limits-1"]


def test_explicit_anchors_and_code_come_through() -> None:
    body = IMPORT + "## A {/* #one */}\n\n<Note />\n"
    whole = with_partials(body, {"./_note.mdx": "## B {#two}\n\n`<c>` \n\n```\n# d\n```"}.get)
    assert [heading.anchor for heading in headings(whole)] == ["one", "two"]
    assert "`<c>`" in text(whole)
    assert "```\n# d\n```" in text(whole)


def test_a_partial_that_cannot_be_read_leaves_the_rest() -> None:
    assert text(with_partials(IMPORT + "a\n\n<Note />\n\nb", lambda _: None)) == "a\n\nb"


@pytest.mark.timeout(30)  # a second on an idle machine; what is not linear takes minutes
@pytest.mark.no_cover
def test_many_partials_are_put_in_in_seconds() -> None:
    count = 20_000
    imports = "".join(f'import N{n} from "./_note.mdx"\n' for n in range(count))
    whole = with_partials(imports + "".join(f"\n<N{n} />\n" for n in range(count)), lambda _: "x")
    assert whole.count("\nx\n") == count


def test_a_component_with_the_name_of_no_import_stays() -> None:
    body = IMPORT + "<Other />\n\n<Note>\n\n</Note>\n\n<Notes />"
    whole = with_partials(body, {"./_note.mdx": "the note"}.get)
    assert "<Other />" in whole
    assert "<Notes />" in whole
    assert "the note" in whole


SNIPPET = "# --8<-- [start:one]\nfirst\n# --8<-- [end:one]\nsecond\n"


def test_a_snippet_is_a_file_a_section_or_lines_of_it() -> None:
    load = {"a.txt": SNIPPET}.get
    assert with_snippets('x\n--8<-- "a.txt"', load) == "x\nfirst\nsecond"
    assert with_snippets('  --8<-- "a.txt:one"', load) == "  first"
    assert with_snippets('--8<-- "a.txt:4:4"', load) == "second"
    assert with_snippets("--8<--\na.txt:one\na.txt:4\n--8<--", load) == "first\nsecond"
    assert with_snippets("x {!a.txt!}", {"a.txt": "y"}.get) == "x y"


def test_an_escaped_snippet_is_shown() -> None:
    assert with_snippets(';--8<-- "a.txt"', lambda _: None) == '--8<-- "a.txt"'
