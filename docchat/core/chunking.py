"""Cuts pages into chunks: pieces that are embedded, found and quoted on their own.

The design is "h1000-p" of the retrieval measurements: split at headings, merge what is small,
never cut code, no overlap.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import takewhile, zip_longest
from uuid import UUID

from docchat.core.markdown import sections
from docchat.core.models import Chunk, Page, Section
from docchat.core.set_out import fences_set_out
from docchat.core.splitting import split

CHUNKER_VERSION = "3"
"""Changes with every change of the chunks; an index made by another version is rebuilt."""

Headings = tuple[str, ...]

_SMALL_SHARE = 10  # a section is small below a tenth of the limit: larger ones keep their anchor


def chunk(page: Page, *, max_chars: int = 1000) -> list[Chunk]:
    """The page's chunks in reading order; none when it has no text besides its title.

    Sections are merged where one of them is small, the result fits, and they lie under the same
    parent or one under the other. A merged chunk carries the headings that all of its text is
    under, keeps the other headings as lines of text, and has the anchor of its first heading.

    Args:
        page: the page.
        max_chars: upper limit of a chunk's text, in characters.
    """
    found: dict[str, Chunk] = {}
    for group in _groups(
        _with_text(sections(page.body, title=page.title, dialect=page.dialect)), max_chars
    ):
        path, text = _merged(group)
        for piece in split(text, max_chars):
            made = _chunk(page, path, group[0].anchor, fences_set_out(piece))
            found.setdefault(made.id, made)
    return list(found.values())


def _with_text(found: Sequence[Section]) -> Iterator[Section]:
    """Drop the empty sections that only introduce their subsections."""
    for section, following in zip_longest(found, found[1:]):
        if section.text or not _introduces(section, following):
            yield section


def _introduces(section: Section, following: Section | None) -> bool:
    return following is not None and _is_under(following.heading_path, section.heading_path)


def _groups(found: Iterator[Section], max_chars: int) -> Iterator[list[Section]]:
    group: list[Section] = []
    for section in found:
        if group and not _may_join(group, section, max_chars):
            yield group
            group = []
        group.append(section)
    if group:
        yield group


def _may_join(group: list[Section], section: Section, max_chars: int) -> bool:
    if not _is_under(section.heading_path, group[0].heading_path[:-1]):
        return False
    if sum(len(one.text) for one in group) + len(section.text) > max_chars:
        return False
    if min(len(_merged(group)[1]), len(section.text)) > max_chars // _SMALL_SHARE:
        return False
    return len(_merged([*group, section])[1]) <= max_chars


def _is_under(path: Headings, ancestor: Headings) -> bool:
    return path[: len(ancestor)] == ancestor


def _merged(group: Sequence[Section]) -> tuple[Headings, str]:
    """The headings that the whole group is under, and its text with the other headings."""
    common = group[0].heading_path
    for section in group:
        common = _shared(common, section.heading_path)
    above, blocks = common, list[str]()
    for section in group:
        path = section.heading_path
        for depth in range(len(_shared(above, path)), len(path)):
            blocks.append(f"{'#' * (depth + 2)} {path[depth]}")
        blocks.append(section.text)
        above = path
    text = "\n\n".join(block for block in blocks if block)
    return common, text or common[-1]  # a heading without text is text


def _shared(one: Headings, other: Headings) -> Headings:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return tuple(heading for heading, _ in pairs)


def _chunk(page: Page, path: Headings, anchor: str, text: str) -> Chunk:
    identity = json.dumps([page.path, page.title, path, text]).encode()
    return Chunk(
        id=str(UUID(bytes=hashlib.blake2b(identity, digest_size=16).digest())),
        path=page.path,
        url=f"{page.url}#{anchor}" if anchor else page.url,
        title=page.title,
        heading_path=path,
        text=text,
        version=page.version,
        locale=page.locale,
    )
