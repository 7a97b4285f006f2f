"""Finds a Docusaurus project's docs from its configuration, without running it."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*$|/\*.*?\*/)", re.MULTILINE | re.DOTALL)
_DOCS_OPTIONS = re.compile(r"\bdocs\s*:\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)")
_TRAILING_SLASH = re.compile(r"\btrailingSlash\s*:\s*true\b")


class DocsLocation(NamedTuple):
    """Where a site's docs are: on disk, and on the web.

    Attributes:
        folder: the docs folder.
        url: what it is served under, without a slash at the end.
        trailing_slash: whether the addresses of pages end with a slash.
    """

    folder: Path
    url: str
    trailing_slash: bool


def docs_location(folder: Path, site_url: str) -> DocsLocation:
    """The docs of a project folder; any other folder is taken as the docs folder itself."""
    url = site_url.rstrip("/")
    config = next(iter(sorted(folder.glob("docusaurus.config.*"))), None)
    if config is None:
        return DocsLocation(folder, url, trailing_slash=False)
    source = _COMMENT.sub("", config.read_text(encoding="utf-8", errors="replace"))
    options = _DOCS_OPTIONS.search(source)
    docs = options[1] if options else ""
    if not urlsplit(url).path:
        route = (_value("baseUrl", source, "/"), _value("routeBasePath", docs, "docs"))
        url = "/".join([url, *(part.strip("/") for part in route if part.strip("/"))])
    return DocsLocation(
        folder / _value("path", docs, "docs"), url, bool(_TRAILING_SLASH.search(source))
    )


def _value(key: str, source: str, default: str) -> str:
    found = re.search(rf"\b{key}\s*:\s*(['\"`])(.*?)\1", source)
    return found[2] if found else default
