"""Collections of pages, and questions whose answers' places in them are known."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docchat.core.chunking import chunk
from docchat.core.models import Chunk, Dialect, Page, Question
from docchat.errors import Misconfigured
from docchat.providers.docs_site import read_site
from scripts.evaluation.questions import Query, questions, rows, turns

SITES = {
    "redux": Dialect.DOCUSAURUS,
    "karpenter": Dialect.HUGO,
    "tseslint": Dialect.DOCUSAURUS,
    "argocd": Dialect.MKDOCS,
    "questdb": Dialect.DOCUSAURUS,
}
"""The documentation sites of the public data, and whose Markdown each is written in."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Pages that are searched together, and the questions about them.

    Attributes:
        name: for the reader of the table.
        files: the text of each file as it stands, by path; what a plain loader reads.
        pages: what docchat reads of them.
        queries: the questions.
        named: whether the files' paths mean something.
    """

    name: str
    files: Mapping[str, str]
    pages: Sequence[Page]
    queries: Sequence[Query]
    named: bool = True

    def chunks(self) -> list[Chunk]:
        """The pages, cut as the indexer cuts them."""
        return [piece for page in self.pages for piece in chunk(page)]


def own_docs(folder: Path, file: Path) -> Collection:
    """A folder of pages, and a file of questions about them.

    Raises:
        IndexingError: there is no such folder.
        Misconfigured: the file has a line that is no question about these pages.
    """
    pages = read_site(folder, site_url="https://docs.example").pages
    files = {page.path: page.body for page in pages}
    return Collection(folder.name, files, pages, questions(file, pages))


def public_sets(data: Path, names: Sequence[str]) -> list[Collection]:
    """Some of the public sets: the names of sites, `sections`, `conversations`."""
    sites = [name for name in names if name in SITES]
    found = doc_sites(data, sites) if sites else []
    if "sections" in names:
        found.append(section_set(data))
    return found + (conversations(data) if "conversations" in names else [])


def doc_sites(data: Path, names: Sequence[str]) -> list[Collection]:
    """The documentation sites with the questions of their own FAQ pages.

    Raises:
        Misconfigured: the data has no such site.
    """
    corpus = list(rows(data / "docs_corpus.jsonl"))
    asked = list(rows(data / "docs_queries.jsonl"))
    return [_doc_site(name, corpus, asked) for name in names]


def _doc_site(
    name: str, corpus: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]]
) -> Collection:
    found = [row for row in corpus if row["site"] == name]
    texts = site_files(name, corpus)
    files = {_inside(row["id"]): row["text"] for row in found if not row.get("partial")}
    queries = [
        Query(
            Question(row["question"]),
            frozenset(map(_inside, row["relevant_pages"])),
            tuple(map(_inside, row.get("relevant_headings", ()))),
            "answerable" if row["answerable"] else "foreign",
        )
        for row in asked
        if row["site"] == name
    ]
    return Collection(name, files, _read(texts, name), queries)


def site_files(name: str, corpus: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The text of each file of a site, by its path.

    Raises:
        Misconfigured: the data has no such site.
    """
    found = {_inside(row["id"]): row["text"] for row in corpus if row["site"] == name}
    if not found:
        raise Misconfigured(f"the data has no site {name}")
    return found


def lay_out(files: Mapping[str, str], folder: Path) -> None:
    """Write them as they are in the site's source."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _read(texts: Mapping[str, str], site: str) -> list[Page]:
    """The pages, after they were laid out as in the site's source: partials go into pages."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out(texts, Path(folder))
        url = f"https://{site}.example"
        return read_site(Path(folder), site_url=url, dialect=SITES[site]).pages


def _inside(name: str) -> str:
    return name.partition(":")[2]


def _path(section: str) -> str:
    """A page's path has no anchor."""
    return section.replace("#", "/")


def section_set(data: Path) -> Collection:
    """Sections of a documentation site, each a page of its own."""
    corpus = list(rows(data / "sections_corpus.jsonl"))
    pages = [
        Page(_path(row["id"]), row["id"], title=row["heading"], body=row["text"]) for row in corpus
    ]
    queries = [
        Query(Question(row["question"]), frozenset(map(_path, row["relevant_sections"])))
        for row in rows(data / "sections_queries.jsonl")
    ]
    return Collection("sections", {page.path: page.body for page in pages}, pages, queries)


def conversations(data: Path) -> list[Collection]:
    """Passages, each a page without a title, and the last turns of people's conversations."""
    corpus = list(rows(data / "multiturn_corpus.jsonl"))
    asked = list(rows(data / "multiturn_queries.jsonl"))
    names = sorted({row["collection"] for row in corpus})
    return [_conversation(name, corpus, asked) for name in names]


def _conversation(
    name: str, corpus: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]]
) -> Collection:
    texts = {row["id"]: row["text"] for row in corpus if row["collection"] == name}
    pages = [Page(id_, id_, title="", body=text) for id_, text in texts.items()]
    queries = [
        Query(
            Question(row["question"], turns(row["history"])),
            frozenset(row["relevant"]),
            kind=row["answerability"],
        )
        for row in asked
        if row["collection"] == name
    ]
    return Collection(name, texts, pages, queries, named=False)
