"""Reads the pages of a documentation site from its source folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from docchat.core.hidden import hidden_characters
from docchat.core.leaks import secrets_in
from docchat.core.markdown import first_heading
from docchat.core.models import MKDOCS, Dialect, Page
from docchat.core.routes import hugo_route, mkdocs_route, route, without_number_prefix
from docchat.core.visible import visible
from docchat.errors import IndexingError
from docchat.providers.docs_site_config import trees
from docchat.providers.docs_site_files import Skip, markdown_files, shown_path, text_of
from docchat.providers.docs_site_front_matter import (
    FrontMatter,
    MalformedFrontMatter,
    parse_front_matter,
    split_front_matter,
)
from docchat.providers.docs_site_inclusion import complete
from docchat.providers.docs_site_tree import Tree, below


@dataclass(frozen=True, slots=True)
class FileNote:
    """What happened to a file, for the operator."""

    path: str
    reason: str


@dataclass(slots=True)
class ReadingNotes:
    """What an operator should know about the files of a site.

    Attributes:
        skipped: files that are no pages of the site, and why.
        warnings: pages that were read, but not as their authors meant, and why.
        secrets: pages with text that looks like a secret, which a visitor may be shown.
        hidden_characters: how many characters were dropped because no reader sees them.
    """

    skipped: list[FileNote] = field(default_factory=list)
    warnings: list[FileNote] = field(default_factory=list)
    secrets: list[FileNote] = field(default_factory=list)
    hidden_characters: int = 0


@dataclass(slots=True)
class SiteReading(ReadingNotes):
    """A whole site as it was read; the pages are in the order of their folders and names."""

    pages: list[Page] = field(default_factory=list)


def read_site(folder: Path, *, site_url: str, dialect: Dialect | None = None) -> SiteReading:
    """Every page of a site at once; see `pages`."""
    reading = SiteReading()
    reading.pages.extend(pages(folder, site_url=site_url, dialect=dialect, notes=reading))
    return reading


def pages(
    folder: Path, *, site_url: str, dialect: Dialect | None = None, notes: ReadingNotes
) -> Iterator[Page]:
    """Read the pages of a site, one after the other; no file stops the run.

    Args:
        folder: a project of Docusaurus, MkDocs or Hugo, or a folder of Markdown.
        site_url: where the docs are served. For a project, an address without a path is the
            site's, and what the configuration says is added to it.
        dialect: whose Markdown a folder without a configuration is; Docusaurus' by default.
        notes: told of every file that is not read, and of what else an operator should know.

    Raises:
        IndexingError: there is no such folder, or its configuration cannot be read.
    """
    found = trees(folder, site_url, dialect)
    if not found or not found[0].folder.is_dir():
        raise IndexingError(f"{found[0].folder if found else folder} is not a folder")
    by_url: dict[str, str] = {}
    for tree in found:
        for page in _pages_of(tree, notes):
            if by_url.setdefault(page.url, page.path) != page.path:
                reason = f"has the same address as {by_url[page.url]}"
                notes.warnings.append(FileNote(page.path, reason))
            yield page


def _pages_of(tree: Tree, notes: ReadingNotes) -> Iterator[Page]:
    def skip(file: Path, reason: str) -> None:
        notes.skipped.append(FileNote(tree.prefix + shown_path(file, tree.folder), reason))

    for file in markdown_files(tree.folder, _name_rule(tree.dialect), skip):
        try:
            yield _page(file, tree, notes)
        except Skip as exc:
            skip(file, str(exc))


def _name_rule(dialect: Dialect) -> Callable[[str], bool]:
    return _no_partial if dialect is Dialect.DOCUSAURUS else _not_hidden


def _not_hidden(name: str) -> bool:
    return not name.startswith(".") and name != "node_modules"


def _no_partial(name: str) -> bool:
    return _not_hidden(name) and not name.startswith("_")


def _page(file: Path, tree: Tree, notes: ReadingNotes) -> Page:
    inside = shown_path(file, tree.folder)
    path = tree.prefix + inside
    text = text_of(file, tree.folder)
    _belongs_to_another(file, tree.dialect)
    block, body = split_front_matter(text.lstrip() if tree.dialect is Dialect.HUGO else text)
    try:
        meta = parse_front_matter(block)
    except MalformedFrontMatter as exc:
        notes.warnings.append(FileNote(path, str(exc)))
        meta = FrontMatter()
    if meta.draft or meta.unlisted:
        raise Skip("draft" if meta.draft else "unlisted")
    for line, kind in secrets_in(text):
        notes.secrets.append(FileNote(path, f"line {line} looks like this: {kind}"))
    notes.hidden_characters += hidden_characters(body)
    body, missing = complete(body, file, tree)
    notes.warnings += [FileNote(path, reason) for reason in missing]
    return Page(
        path=path,
        url=_url(inside, meta, tree),
        title=_title(inside, meta, body, tree),
        body=body,
        dialect=tree.dialect,
        version=tree.version,
        locale=_locale(inside, tree),
        description=meta.description,
        tags=meta.tags,
    )


def _locale(inside: str, tree: Tree) -> str:
    """None for a page that some language lacks: it serves that language's visitors, too."""
    everywhere = all((folder / inside).is_file() for folder in tree.translations)
    return tree.locale if everywhere else ""


def _belongs_to_another(file: Path, dialect: Dialect) -> None:
    """Refuse the files that their generator does not serve beside an `index.md`."""
    is_readme = dialect in MKDOCS and file.name == "README.md"
    is_resource = dialect is Dialect.HUGO and file.stem not in {"index", "_index"}
    if (is_readme or is_resource) and file.with_name("index.md").is_file():
        raise Skip("the index.md beside it stands for this folder")


def _url(path: str, meta: FrontMatter, tree: Tree) -> str:
    if tree.dialect is Dialect.HUGO:
        return tree.url + hugo_route(path, slug=meta.slug, url=meta.url)
    if tree.dialect is not Dialect.DOCUSAURUS:
        return tree.url + mkdocs_route(path, directory_urls=tree.directory_urls)
    prefixes = tree.number_prefixes and meta.parse_number_prefixes
    url = tree.url + route(path, slug=meta.slug, doc_id=meta.id, number_prefixes=prefixes)
    if tree.trailing_slash is None:
        return url
    return f"{below(url)}/" if tree.trailing_slash else url.rstrip("/")


def _title(path: str, meta: FrontMatter, body: str, tree: Tree) -> str:
    named = meta.title or first_heading(body, tree.dialect) or meta.sidebar_label
    return " ".join(visible(named).split()) or without_number_prefix(PurePosixPath(path).stem)
