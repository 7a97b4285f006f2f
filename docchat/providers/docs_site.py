"""Reads a Docusaurus docs folder from disk."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from docchat.core.markdown import first_heading
from docchat.core.models import Page
from docchat.core.routes import route, without_number_prefix
from docchat.core.visible import visible
from docchat.errors import IndexingError
from docchat.providers.docs_site_config import DocsLocation, docs_location
from docchat.providers.docs_site_front_matter import (
    FrontMatter,
    MalformedFrontMatter,
    parse_front_matter,
    split_front_matter,
)

MAX_FILE_BYTES = 2 * 1024 * 1024
"""A larger file is no page that somebody wrote."""

_SUFFIXES = (".md", ".mdx")


@dataclass(frozen=True, slots=True)
class FileNote:
    """What happened to a file, for the operator."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class SiteReading:
    """A docs folder as it was read.

    Attributes:
        pages: in the order of their folders and names.
        skipped: files that are no pages of the site, and why.
        warnings: pages that were read without their front matter, and why.
    """

    pages: list[Page] = field(default_factory=list)
    skipped: list[FileNote] = field(default_factory=list)
    warnings: list[FileNote] = field(default_factory=list)


class _Skip(Exception):
    """This file is not a page; the text says why."""


def read_site(folder: Path, *, site_url: str) -> SiteReading:
    """Read every page of a docs folder, or of the docs folder of a Docusaurus project.

    Files and folders whose names begin with `_` or `.` are no pages (Docusaurus' own rule) and
    are not reported. No file stops the run.

    Args:
        folder: the docs folder, or the folder that holds `docusaurus.config.*`.
        site_url: where the docs are served. For a project, an address without a path is the
            site's, and the configuration's `baseUrl` and `routeBasePath` are added to it.

    Raises:
        IndexingError: there is no such folder.
    """
    docs = docs_location(folder, site_url)
    if not docs.folder.is_dir():
        raise IndexingError(f"{docs.folder} is not a folder")
    reading = SiteReading()
    for file in _files(docs.folder, reading.skipped):
        path = _shown_path(file, docs.folder)
        try:
            text = _text(file, docs.folder)
            reading.pages.append(_page(path, text, docs, reading.warnings))
        except _Skip as skip:
            reading.skipped.append(FileNote(path, str(skip)))
    return reading


def _files(root: Path, skipped: list[FileNote]) -> Iterator[Path]:
    """The Markdown files, sorted by name folder by folder; links to folders are not followed."""

    def report(error: OSError) -> None:
        path = _shown_path(Path(error.filename), root)
        skipped.append(FileNote(path, f"cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=report):
        folders[:] = sorted(filter(_may_be_page, folders))
        for name in sorted(filter(_may_be_page, names)):
            if name.lower().endswith(_SUFFIXES):
                yield Path(folder, name)


def _may_be_page(name: str) -> bool:
    return not name.startswith(("_", ".")) and name != "node_modules"


def _shown_path(file: Path, root: Path) -> str:
    """The path inside the docs folder; bytes that are no UTF-8 are written as escapes."""
    return file.relative_to(root).as_posix().encode(errors="backslashreplace").decode()


def _text(file: Path, root: Path) -> str:
    try:
        if not file.is_file():
            raise _Skip("not a regular file")
        if not file.resolve().is_relative_to(root.resolve()):
            raise _Skip("a link that leads out of the docs folder")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise _Skip(f"larger than {MAX_FILE_BYTES} bytes")
        content = file.read_bytes()
    except OSError as exc:
        raise _Skip(f"cannot be read: {exc.strerror}") from exc
    if b"\0" in content:
        raise _Skip("not a text file")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        raise _Skip("not UTF-8") from exc


def _page(path: str, text: str, docs: DocsLocation, warnings: list[FileNote]) -> Page:
    source, body = split_front_matter(text)
    try:
        meta = parse_front_matter(source)
    except MalformedFrontMatter as exc:
        warnings.append(FileNote(path, str(exc)))
        meta = FrontMatter()
    if meta.draft or meta.unlisted:
        raise _Skip("draft" if meta.draft else "unlisted")
    return Page(path=path, url=_url(path, meta, docs), title=_title(path, meta, body), body=body)


def _url(path: str, meta: FrontMatter, docs: DocsLocation) -> str:
    below = route(path, slug=meta.slug, doc_id=meta.id, number_prefixes=meta.parse_number_prefixes)
    return f"{docs.url}{below}{'/' if docs.trailing_slash or not below else ''}"


def _title(path: str, meta: FrontMatter, body: str) -> str:
    named = meta.title or first_heading(body) or meta.sidebar_label
    return " ".join(visible(named).split()) or without_number_prefix(PurePosixPath(path).stem)
