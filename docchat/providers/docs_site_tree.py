"""Folders of pages, and where the site serves them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from docchat.core.models import Dialect


@dataclass(frozen=True, slots=True)
class Tree:
    """One folder of pages.

    Attributes:
        folder: where the pages are.
        root: the project's folder; pages may include files from below it, and no others.
        url: what the pages are served under, without a slash at the end.
        prefix: stands before the paths of the pages, so that they are unique on the site.
        dialect: whose Markdown the pages are.
        version: as in `Page`.
        locale: as in `Page`.
        translations: where the same pages are in each of the other languages.
        trailing_slash: whether addresses end with a slash; None as Docusaurus does by default.
        directory_urls: MkDocs' `use_directory_urls`.
        number_prefixes: whether `01-` before a name only orders the sidebar.
        snippets: the folders in which MkDocs looks for included files.
        params: what Hugo's `param` shortcode shows.
    """

    folder: Path
    root: Path
    url: str
    prefix: str = ""
    dialect: Dialect = Dialect.DOCUSAURUS
    version: str = ""
    locale: str = ""
    translations: tuple[Path, ...] = ()
    trailing_slash: bool | None = None
    directory_urls: bool = True
    number_prefixes: bool = True
    snippets: tuple[Path, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)


def below(url: str, *parts: str) -> str:
    """The address with these parts behind it, without a slash at the end."""
    return "/".join([url.rstrip("/"), *filter(None, (part.strip("/") for part in parts))])


def has_path(url: str) -> bool:
    """Whether the address names a place below its site's root."""
    return bool(urlsplit(url).path.strip("/"))


def path_of(url: str) -> str:
    """The path of an address; an ill-formed one has none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
