"""What MkDocs and Hugo write otherwise than Docusaurus."""

import pytest

from docchat.core.markdown import headings, sections
from docchat.core.models import Dialect
from docchat.core.routes import hugo_route, mkdocs_route
from docchat.core.shortcodes import with_params


def anchors(body: str, dialect: Dialect) -> list[str]:
    return [heading.anchor for heading in headings(body, dialect)]


def text(body: str, dialect: Dialect) -> str:
    return "\n".join(section.text for section in sections(body, title="Page", dialect=dialect))


@pytest.mark.parametrize(
    ("heading", "mkdocs", "unicode", "hugo"),
    [
        ("What's new - in 2.0?", "whats-new-in-20", "whats-new-in-20", "whats-new---in-20"),
        ("Über Größe 日本", "uber-groe", "über-größe-日本", "über-größe-日本"),
        ("`__init__` and _it_", "__init__-and-it", "__init__-and-it", "__init__-and-it"),
        ("!!!", "_1", "_1", "heading"),
        ("⚠ Note", "note", "note", "-note"),
        ("A {#one}", "one", "one", "one"),
        ("A { #one .wide }", "one", "one", "one"),
        ("A {: #one key='x y' }", "one", "one", "one"),
        ("A {b} c", "a-b-c", "a-b-c", "a-b-c"),
    ],
)
def test_anchors_are_those_of_the_generator(
    heading: str, mkdocs: str, unicode: str, hugo: str
) -> None:
    assert anchors(f"## {heading}", Dialect.MKDOCS) == [mkdocs]
    assert anchors(f"## {heading}", Dialect.MKDOCS_UNICODE) == [unicode]
    assert anchors(f"## {heading}", Dialect.HUGO) == [hugo]


def test_each_generator_numbers_repeated_headings_its_own_way() -> None:
    body = "## A\n\n## A\n\n## A\n\n## B {#a-1}\n"
    assert anchors(body, Dialect.MKDOCS) == ["a", "a_1", "a_2", "a-1"]
    assert anchors(body, Dialect.HUGO) == ["a", "a-1", "a-2", "a-1"]
    assert anchors("## B\n\n## A {#b}\n", Dialect.MKDOCS) == ["b_1", "b"]


def test_a_later_h1_has_an_anchor_where_the_generator_gives_it_one() -> None:
    body = "# Page\n\ntext\n\n# Other\n\ntext"
    for dialect, expected in ((Dialect.MKDOCS, "other"), (Dialect.DOCUSAURUS, "")):
        found = sections(body, title="Page", dialect=dialect)
        assert [section.anchor for section in found] == ["", expected]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('!!! note "My title"\n    inside\n\n    more\n\nout', "My title\n\ninside\n\nmore\n\nout"),
        ("!!! warning inline end\n    inside", "Warning\n\ninside"),
        ('!!! note ""\n    inside', "inside"),
        ('??? tip "Open"\n    inside', "Open\n\ninside"),
        ('=== "Linux"\n    ```sh\n    # a\n    ```', "Linux\n\n```sh\n# a\n```"),
        ('!!! a\n    !!! b "B"\n        in', "A\n\nB\n\nin"),
        ("/// note | Title\ninside\n///", "Title\n\ninside"),
        ("```\n!!! note\n    inside\n```", "```\n!!! note\n    inside\n```"),
    ],
)
def test_blocks_of_mkdocs_leave_title_and_text(block: str, expected: str) -> None:
    assert text(block, Dialect.MKDOCS).replace("\n\n\n", "\n\n").strip() == expected


def test_a_heading_in_a_block_of_mkdocs_is_a_heading() -> None:
    assert anchors("!!! note\n    ## In the note\n", Dialect.MKDOCS) == ["in-the-note"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{{% alert title="Watch out" color="x" %}}\ntext\n{{% /alert %}}', "Watch out\ntext"),
        ('{{< tabpane >}}{{< tab header="Linux" >}}run{{< /tab >}}{{< /tabpane >}}', "Linuxrun"),
        ('[text]({{< ref "page.md" >}})', "text"),
        ("a {{</* shown */>}} b", "a {{< shown >}} b"),
        ('{{< highlight go "linenos=table" >}}\nx := 1\n{{< /highlight >}}', "```go\nx := 1\n```"),
        ('{{< figure src="a.png" caption="A >}} b" >}}', "A >}} b"),
        ("{{ .Template }} stays", "{{ .Template }} stays"),
    ],
)
def test_shortcodes_of_hugo_leave_what_a_reader_sees(source: str, expected: str) -> None:
    assert text(source, Dialect.HUGO).strip() == expected


def test_parameters_of_the_site_are_shown() -> None:
    params = {"release.latest": "v1.2"}
    assert with_params('{{< param "release.Latest" >}}', params) == "v1.2"
    assert with_params("{{< param unknown >}}", params) == "{{< param unknown >}}"


@pytest.mark.parametrize("dialect", [Dialect.MKDOCS, Dialect.HUGO])
def test_code_deep_in_a_list_is_code(dialect: Dialect) -> None:
    assert anchors("- item\n\n        # no heading\n", dialect) == []
    assert anchors("- item\n\n    ## a heading\n", dialect) == ["a-heading"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/B c.md", "/a/B%20c/"),
        ("a/index.md", "/a/"),
        ("README.md", "/"),
        ("a/Index.md", "/a/Index/"),
    ],
)
def test_routes_follow_mkdocs(path: str, expected: str) -> None:
    assert mkdocs_route(path) == expected


def test_routes_of_mkdocs_without_folders_are_files() -> None:
    assert mkdocs_route("a/b.md", directory_urls=False) == "/a/b.html"
    assert mkdocs_route("a/README.md", directory_urls=False) == "/a/index.html"


def test_routes_follow_hugo() -> None:
    assert hugo_route("Docs/My Page.md") == "/docs/my-page/"
    assert hugo_route("docs/_index.md") == "/docs/"
    assert hugo_route("docs/bundle/index.md") == "/docs/bundle/"
    assert hugo_route("docs/bundle/index.md", slug="other") == "/docs/other/"
    assert hugo_route("docs/a.md", slug="b") == "/docs/b/"
    assert hugo_route("docs/a.md", url="/c/d/") == "/c/d/"


@pytest.mark.parametrize("dialect", [Dialect.MKDOCS, Dialect.HUGO])
@pytest.mark.parametrize(
    "pattern",
    [
        "!!! a\n    ",
        '=== "',
        "{{< a ",
        "{{<",
        '{{< "',
        "- a\n\n      ",
        "## a { #b ",
        "$$\n",
        "{{< highlight go >}}",
    ],
)
@pytest.mark.timeout(30)  # 2 s on an idle machine; what is not linear takes minutes
@pytest.mark.no_cover
def test_a_megabyte_of_one_pattern_is_read_in_seconds(dialect: Dialect, pattern: str) -> None:
    body = pattern * (1_000_000 // len(pattern))
    shown = sum(len(section.text) for section in sections(body, dialect=dialect))
    assert shown <= len(body)
