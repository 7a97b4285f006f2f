"""Where a generator serves a page, by its own rules."""

import re
from posixpath import normpath
from urllib.parse import quote

_DATE_OR_VERSION = re.compile(r"\d+[-_.]\d")  # 2024-05-notes, 8.0-changes: no ordering prefix
_NUMBER_PREFIX = re.compile(r"\d+\s*[-_.]+\s*(?=[^-_.\s])")
_SPACES = re.compile(r"\s+")
_UNQUOTED = "/%:@!$&'()*+,;=~"


def route(path: str, *, slug: str = "", doc_id: str = "", number_prefixes: bool = True) -> str:
    """A Docusaurus page's route below the docs' own (docs plugin, version 3).

    It begins with `/`, and ends with one where the page stands for its folder.

    Args:
        path: the file's path inside the docs folder, with `/`.
        slug: `slug` of the front matter; relative to the file's folder, or absolute.
        doc_id: `id` of the front matter; used instead of the file's name.
        number_prefixes: whether `01-` before a name only orders the sidebar.
    """
    *folders, file = path.split("/")
    name = file.rpartition(".")[0] or file
    strip = without_number_prefix if number_prefixes else str
    folder = "/".join(["", *map(strip, folders), ""])
    if slug.startswith("/"):
        target = slug
    elif slug:
        target = folder + slug
    elif name.lower() in {"index", "readme", *(f.lower() for f in folders[-1:])}:
        target = folder
    else:
        target = folder + (doc_id or strip(name))
    return _quoted(target)


def mkdocs_route(path: str, *, directory_urls: bool = True) -> str:
    """An MkDocs page's route below the site's own; it begins with `/`.

    Args:
        path: the file's path inside `docs_dir`.
        directory_urls: MkDocs' `use_directory_urls`.
    """
    folder, _, file = path.rpartition("/")
    name = file.rpartition(".")[0] or file
    folder = f"/{folder}/" if folder else "/"
    is_index = name in {"index", "README"}
    if not directory_urls:
        return quote(f"{folder}{'index' if is_index else name}.html", safe=_UNQUOTED)
    return quote(folder if is_index else f"{folder}{name}/", safe=_UNQUOTED)


def hugo_route(path: str, *, slug: str = "", url: str = "") -> str:
    """A Hugo page's route below the site's own, without `permalinks` rules; it begins with `/`.

    Args:
        path: the file's path inside the content folder.
        slug: `slug` of the front matter, instead of the file's name.
        url: `url` of the front matter, instead of all of it.
    """
    if url:
        return _quoted(f"/{url}")
    folder, _, file = path.rpartition("/")
    name = file.rpartition(".")[0] or file
    if name in {"_index", "index"}:
        target = f"{folder.rpartition('/')[0]}/{slug}" if slug and name == "index" else folder
    else:
        target = f"{folder}/{slug or name}"
    return _quoted(f"/{_SPACES.sub('-', target).lower()}/")


def _quoted(target: str) -> str:
    end = "/" if target.endswith(("/", "/.", "/..")) else ""
    path = normpath(target).strip("/")
    return quote(f"/{path}{end}" if path else "/", safe=_UNQUOTED)


def without_number_prefix(name: str) -> str:
    """`01-intro` → `intro`; dates and versions stay as they are."""
    if _DATE_OR_VERSION.match(name):
        return name
    return _NUMBER_PREFIX.sub("", name, count=1) if _NUMBER_PREFIX.match(name) else name
