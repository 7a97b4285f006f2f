import json
import os
from pathlib import Path

import pytest

from docchat.core.routes import route
from docchat.errors import IndexingError
from docchat.providers.docs_site import SiteReading, read_site

SITE = "https://docs.example/docs"


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def urls(reading: SiteReading) -> dict[str, str]:
    return {page.path: page.url for page in reading.pages}


def reasons(reading: SiteReading) -> dict[str, str]:
    return {note.path: note.reason for note in reading.skipped}


def test_pages_are_read_in_order_with_their_titles(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "b.md": "---\ntitle: From  front matter\nsidebar_label: Label\n---\n# From H1\n\ntext",
            "a.mdx": "---\nsidebar_label: Label\n---\n\n# From `H1`\n\ntext",
            "c.md": "---\nsidebar_label: From label\n---\ntext",
            "02-d.md": "text",
            "sub/e.md": "---\ntitle: 2024\n---\r\ntext",
        },
    )
    pages = read_site(tmp_path, site_url=SITE).pages
    assert [(p.path, p.title) for p in pages] == [
        ("02-d.md", "d"),
        ("a.mdx", "From H1"),
        ("b.md", "From front matter"),
        ("c.md", "From label"),
        ("sub/e.md", "2024"),
    ]
    assert pages[-1].body == "text"


@pytest.mark.parametrize(
    ("path", "slug", "doc_id", "expected"),
    [
        ("intro.md", "", "", "/intro"),
        ("guides/Setup Now.mdx", "", "", "/guides/Setup%20Now"),
        ("guides/setup.md", "", "install", "/guides/install"),
        ("guides/setup.md", "start", "install", "/guides/start"),
        ("guides/setup.md", "/start", "", "/start"),
        ("guides/setup.md", "../start/", "", "/start/"),
        ("guides/setup.md", "../../../start", "", "/start"),
        ("guides/setup.md", "/", "", "/"),
        ("index.md", "", "", "/"),
        ("README.md", "", "", "/"),
        ("guides/index.mdx", "", "ignored", "/guides/"),
        ("guides/Readme.md", "", "", "/guides/"),
        ("guides/Guides.md", "", "", "/guides/"),
        ("01-guides/02_setup.md", "", "", "/guides/setup"),
        ("1. guides/003 - setup.md", "", "", "/guides/setup"),
        ("2024-05-01-notes.md", "", "", "/2024-05-01-notes"),
        ("8.0-changes.md", "", "", "/8.0-changes"),
        ("10.md", "", "", "/10"),
        ("überblick.md", "", "", "/%C3%BCberblick"),
    ],
)
def test_routes_follow_docusaurus(path: str, slug: str, doc_id: str, expected: str) -> None:
    assert route(path, slug=slug, doc_id=doc_id) == expected


def test_number_prefixes_can_be_kept() -> None:
    assert route("01-a/02-b.md", number_prefixes=False) == "/01-a/02-b"


def test_urls_are_below_the_site_url(tmp_path: Path) -> None:
    write(tmp_path, {"index.md": "a", "b.md": "b", "c.md": "---\nslug: /x/y\n---\nc"})
    for site in (SITE, f"{SITE}/"):
        assert urls(read_site(tmp_path, site_url=site)) == {
            "index.md": f"{SITE}/",
            "b.md": f"{SITE}/b",
            "c.md": f"{SITE}/x/y",
        }


def test_what_is_no_page_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.md": "a",
            "_partial.mdx": "x",
            "_folder/x.md": "x",
            ".hidden/x.md": "x",
            "node_modules/x/README.md": "x",
            "img/logo.png": b"x",
            "notes.txt": "x",
        },
    )
    reading = read_site(tmp_path, site_url=SITE)
    assert list(urls(reading)) == ["a.md"]
    assert not reading.skipped


def test_files_that_cannot_be_pages_are_reported(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "big.md": b"x" * (2 * 1024 * 1024 + 1),
            "binary.md": b"a\0b",
            "latin.md": "gr\u00fc\u00dfe".encode("latin-1"),
            "draft.md": "---\ndraft: true\n---\nx",
            "unlisted.md": "---\nunlisted: true\n---\nx",
            "bom.md": b"\xef\xbb\xbf---\ntitle: T\n---\nx",
        },
    )
    reading = read_site(tmp_path, site_url=SITE)
    assert [page.title for page in reading.pages] == ["T"]
    assert reasons(reading) == {
        "big.md": "larger than 2097152 bytes",
        "binary.md": "not a text file",
        "draft.md": "draft",
        "latin.md": "not UTF-8",
        "unlisted.md": "unlisted",
    }


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.md": "a"})
    outside = write(tmp_path / "outside", {"secret.md": "secret"})
    (docs / "file.md").symlink_to(outside / "secret.md")
    (docs / "folder").symlink_to(outside)
    (docs / "loop.md").symlink_to(docs / "loop.md")
    (docs / "inside.md").symlink_to(docs / "a.md")
    os.mkfifo(docs / "pipe.md")
    reading = read_site(docs, site_url=SITE)
    assert [page.body for page in reading.pages] == ["a", "a"]
    assert reasons(reading) == {
        "file.md": "a link that leads out of the docs folder",
        "loop.md": "not a regular file",
        "pipe.md": "not a regular file",
    }


def test_a_name_that_is_not_utf8_does_not_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff.md")).write_text("text")
    (page,) = read_site(tmp_path, site_url=SITE).pages
    assert page.url.encode()


@pytest.mark.parametrize(
    "source",
    [
        "title: [",
        "- a\n- b",
        "a: b: c",
        "date: 2024-13-45",
        "x: " + "[" * 5000,
        "\tx: 1",
        "x: \x07",
    ],
)
def test_a_page_with_malformed_front_matter_is_read_without_it(tmp_path: Path, source: str) -> None:
    write(tmp_path, {"a.md": f"---\n{source}\n---\n# Title\n\ntext"})
    reading = read_site(tmp_path, site_url=SITE)
    assert [(p.title, p.body) for p in reading.pages] == [("Title", "# Title\n\ntext")]
    assert [note.path for note in reading.warnings] == ["a.md"]
    assert reading.warnings[0].reason.startswith("front matter")


@pytest.mark.parametrize("title", ["yes", "[a]", "", "null", '"\\ud800"', "{a: b}"])
def test_a_title_that_is_no_text_counts_as_not_given(tmp_path: Path, title: str) -> None:
    write(tmp_path, {"name.md": f"---\ntitle: {title}\nslug: {title}\n---\ntext"})
    (page,) = read_site(tmp_path, site_url=SITE).pages
    assert (page.title, page.url) == ("name", f"{SITE}/name")


def test_a_rule_at_the_top_is_no_front_matter(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "---\n\ntext"})
    (page,) = read_site(tmp_path, site_url=SITE).pages
    assert page.body == "---\n\ntext"


def test_a_missing_folder_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match="is not a folder"):
        read_site(tmp_path / "none", site_url=SITE)


CONFIG = """
// baseUrl: '/commented/',
const config = {
  url: 'https://docs.example',
  baseUrl: '/base/',
  trailingSlash: true,
  presets: [['classic', {
    docs: { path: 'content', editUrl: ({a}) => `x${a}`, routeBasePath: "guide" },
    blog: { routeBasePath: '/blog' },
  }]],
};
"""


def test_a_project_says_where_its_docs_are(tmp_path: Path) -> None:
    write(tmp_path, {"docusaurus.config.ts": CONFIG, "content/a.md": "a", "b.md": "b"})
    reading = read_site(tmp_path, site_url="https://docs.example")
    assert urls(reading) == {"a.md": "https://docs.example/base/guide/a/"}
    reading = read_site(tmp_path, site_url="http://127.0.0.1:8080/docs")
    assert urls(reading) == {"a.md": "http://127.0.0.1:8080/docs/a/"}


def test_a_project_without_options_has_the_usual_places(tmp_path: Path) -> None:
    write(tmp_path, {"docusaurus.config.js": "module.exports = {}", "docs/index.md": "a"})
    reading = read_site(tmp_path, site_url="https://docs.example")
    assert urls(reading) == {"index.md": "https://docs.example/docs/"}


def test_hostile_yaml_never_stops_a_run(tmp_path: Path, test_data: Path) -> None:
    lines = (test_data / "hostile/yaml_front_matter.jsonl").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        write(tmp_path, {f"{number}.md": f"---\n{json.loads(line)['text']}\n---\ntext"})
    reading = read_site(tmp_path, site_url=SITE)
    assert len(reading.pages) == len(lines) > 200
    assert 0 < len(reading.warnings) < len(lines)
