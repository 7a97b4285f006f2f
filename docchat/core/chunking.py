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

_BETWEEN = "\n\n"

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
    group: _Group | None = None
    for section in found:
        if group is None or not group.takes(section, max_chars):
            if group is not None:
                yield group.sections
            group = _Group(section)
    if group is not None:
        yield group.sections


class _Group:
    """Sections that become one chunk, and how long it is.

    That is kept up as they join: to merge them anew for each would take minutes for a page of
    thousands of tiny sections.
    """

    def __init__(self, first: Section) -> None:
        self.sections = [first]
        self._common = first.heading_path
        self._blocks = _block_chars(first.text)

    def takes(self, section: Section, max_chars: int) -> bool:
        """Whether the section may join; then it has."""
        path = section.heading_path
        if not _is_under(path, self.sections[0].heading_path[:-1]):
            return False
        smaller = min(self._chars(self._common, self._blocks), len(section.text))
        if smaller > max_chars // _SMALL_SHARE:
            return False
        common = _shared(self._common, path)
        known = len(_shared(self.sections[-1].heading_path, path))
        blocks = self._blocks + _heading_chars(path, known) + _block_chars(section.text)
        if self._chars(common, blocks) > max_chars:
            return False
        self.sections.append(section)
        self._common, self._blocks = common, blocks
        return True

    def _chars(self, common: Headings, blocks: int) -> int:
        """The length of what `_merged` makes."""
        whole = _heading_chars(self.sections[0].heading_path, len(common)) + blocks
        return whole - len(_BETWEEN) if whole else len(common[-1])


def _heading_chars(path: Headings, start: int) -> int:
    """Of the lines for the headings from a depth on."""
    return sum(_block_chars(_heading_line(path, depth)) for depth in range(start, len(path)))


def _block_chars(block: str) -> int:
    return len(block) + len(_BETWEEN) if block else 0


def _heading_line(path: Headings, depth: int) -> str:
    return f"{'#' * (depth + 2)} {path[depth]}"


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
            blocks.append(_heading_line(path, depth))
        blocks.append(section.text)
        above = path
    text = _BETWEEN.join(block for block in blocks if block)
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
