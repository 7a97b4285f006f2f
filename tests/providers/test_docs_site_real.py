"""Five real sites: every page is read, at the address that the site serves it at."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import pytest

from docchat.core.chunking import chunk
from docchat.core.models import Dialect, Page
from docchat.providers.docs_site import ReadingNotes, SiteReading, pages, read_site

pytestmark = pytest.mark.no_cover  # so many inputs take twice the time when they are traced


class Folder(NamedTuple):
    site: str
    path: str
    url: str
    dialect: Dialect
    pages: int


FOLDERS = (
    Folder("redux", "docs/", "https://redux.js.org", Dialect.DOCUSAURUS, 73),
    Folder("tseslint", "docs/", "https://typescript-eslint.io", Dialect.DOCUSAURUS, 48),
    Folder(
        "tseslint",
        "packages/eslint-plugin/docs/rules/",
        "https://typescript-eslint.io/rules",
        Dialect.DOCUSAURUS,
        162,
    ),
    Folder("questdb", "documentation/", "https://questdb.com/docs", Dialect.DOCUSAURUS, 380),
    Folder("argocd", "docs/", "https://argo-cd.readthedocs.io/en/stable", Dialect.MKDOCS, 453),
    Folder("karpenter", "website/content/en/docs/", "https://karpenter.sh/docs", Dialect.HUGO, 30),
)

# Where the data's URL is not the site's: it was made without Docusaurus' rule for a file named
# like its folder, reads `slug: index` as the folder, and takes the rules' root for the site's;
# and it knows neither MkDocs' index.md nor Hugo's _index.md at the top.
NOT_THE_SITES = {
    "style-guide/style-guide.md": "https://redux.js.org/style-guide",
    "tutorials/tutorials-index.md": "https://redux.js.org/tutorials/index",
    "README.md": "https://typescript-eslint.io/rules",
    "index.md": "https://argo-cd.readthedocs.io/en/stable",
    "_index.md": "https://karpenter.sh/docs",
}


def as_the_data_has_it(url: str, dialect: Dialect) -> str:
    """The data has no slash at the end; for MkDocs it has Docusaurus' rules, in lower case."""
    url = url.rstrip("/")
    if dialect is not Dialect.MKDOCS:
        return url
    host, *names = url.lower().removeprefix("https://").split("/")
    return "https://" + "/".join([host, *(re.sub(r"^\d+[-_.]+", "", name) for name in names)])


def lay_out(folder: Folder, test_data: Path, root: Path) -> dict[str, str]:
    """Write the site's files; returns the URL of every page by its path."""
    expected = {}
    lines = (test_data / "retrieval/docs_corpus.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        if row["site"] == folder.site and row["path"].startswith(folder.path):
            path = row["path"].removeprefix(folder.path)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(row["text"], encoding="utf-8")
            if not row.get("partial"):
                expected[path] = NOT_THE_SITES.get(path, row["url"]).rstrip("/")
    return expected


def read(folder: Folder, root: Path) -> SiteReading:
    return read_site(root, site_url=folder.url, dialect=folder.dialect)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.site}-{folder.pages}")
def test_every_page_is_read_at_its_address(tmp_path: Path, test_data: Path, folder: Folder) -> None:
    expected = lay_out(folder, test_data, tmp_path)
    assert len(expected) == folder.pages
    reading = read(folder, tmp_path)
    found = {page.path: as_the_data_has_it(page.url, folder.dialect) for page in reading.pages}
    assert found == expected
    assert not reading.skipped


def test_the_partials_of_a_real_site_are_read(tmp_path: Path, test_data: Path) -> None:
    folder = FOLDERS[3]
    lay_out(folder, test_data, tmp_path)
    reading = read(folder, tmp_path)
    # A file that the data leaves out, because it is outside of its docs folder.
    named = [re.sub(r"includes .*/_questdb_|, which.*", "", n.reason) for n in reading.warnings]
    assert set(named) == {"production_hardware-minimums.mdx"}
    java = next(page for page in reading.pages if "ConnectionIssues" in page.body)
    text = "\n".join(piece.text for piece in chunk(java))
    assert "<ConnectionIssues" not in text


def test_every_page_of_the_real_sites_is_cut(tmp_path: Path, test_data: Path) -> None:
    cut: dict[str, int] = {}  # chunks of each page that says something
    for folder in FOLDERS:
        root = tmp_path / folder.site / str(folder.pages)
        lay_out(folder, test_data, root)
        for page in read(folder, root).pages:
            if page.body.strip():
                cut[page.url] = len(chunk(page))
    assert sum(cut.values()) > 17_000
    assert [url for url, chunks in cut.items() if not chunks] == []


def test_memory_does_not_grow_with_the_number_of_pages(tmp_path: Path) -> None:
    def peak_of(count: int) -> int:
        for number in range(count):
            (tmp_path / f"{number}.md").write_text(
                f"# Page {number}\n\n" + " ".join(map(str, range(2000)))
            )
        tracemalloc.start()
        read_on = pages(tmp_path, site_url="https://docs.example", notes=ReadingNotes())
        assert sum(len(chunk(page)) for page in read_on) > count
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_of(5)  # what is loaded once
    few, many = peak_of(10), peak_of(100)
    assert many < few + 100 * 2000  # an address and a name a page, and never its 9,000 characters


def test_hostile_markdown_is_read_in_every_dialect(test_data: Path) -> None:
    lines = (test_data / "hostile/commonmark_examples.jsonl").read_text(encoding="utf-8")
    texts = [json.loads(line)["text"] for line in lines.splitlines()]
    assert len(texts) > 300
    for dialect in Dialect:
        pages = [Page("a.md", "https://a.example", "a", text, dialect) for text in texts]
        assert sum(bool(chunk(page)) for page in pages) > 0.7 * len(pages)
