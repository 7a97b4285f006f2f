"""Where Docusaurus serves a docs file, by the rules of its docs plugin (version 3)."""

import re
from posixpath import normpath
from urllib.parse import quote

_DATE_OR_VERSION = re.compile(r"\d+[-_.]\d")  # 2024-05-notes, 8.0-changes: no ordering prefix
_NUMBER_PREFIX = re.compile(r"\d+\s*[-_.]+\s*(?=[^-_.\s])")
_UNQUOTED = "/%:@!$&'()*+,;=~"


def route(path: str, *, slug: str = "", doc_id: str = "", number_prefixes: bool = True) -> str:
    """The page's route below the docs' own: it begins with `/` and ends without, or is empty.

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
    return quote(f"/{normpath(target).strip('/')}", safe=_UNQUOTED).rstrip("/")


def without_number_prefix(name: str) -> str:
    """`01-intro` → `intro`; dates and versions stay as they are."""
    if _DATE_OR_VERSION.match(name):
        return name
    return _NUMBER_PREFIX.sub("", name, count=1) if _NUMBER_PREFIX.match(name) else name
