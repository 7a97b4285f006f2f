"""Finds the headings in Markdown prose, and their anchors."""

import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from docchat.core.code_lifting import MARKS, Lifted
from docchat.core.models import MKDOCS, Dialect
from docchat.core.slugs import Slugger
from docchat.core.visible import visible

_LEVELS = 6
_MAY_END_PARAGRAPH = frozenset("#>-*+|_=\x010123456789")  # most lines begin with no such thing
_UNDERLINE = ("=", "-")

_SETEXT = re.compile(r" {0,3}(?:=++|-++)[ \t]*+")
_CONTAINER = re.compile(r"[ \t]*+(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t]))")
_CONTAINERS = re.compile(r"[ \t]*+(?:(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])[ \t]*+)++")
_NOT_IN_PARAGRAPH = re.compile(r"[ \t]*+(?:$|\||[-_*=][-_*= \t]*+$)| {4}|\t|\x01")
_ID = re.compile(r"(?:\\?\{#([^\s{}]++)\}|\x02([^\x03]++)\x03)$")
_ATTRIBUTE = r"""(?:[#.][^\s{}]++|[\w-]++=(?:"[^"]*+"|'[^']*+'|[^\s{}"']++))"""
_ATTRIBUTES = re.compile(rf"[ \t]*+\{{:?[ \t]*+((?:{_ATTRIBUTE}[ \t]*+)++)\}}$")
_INLINE = re.compile("[*_\\\\&\x00\x02\x04]")
_EMPHASIS = re.compile(r"\*++|_++")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_INLINE_CODE = re.compile(r"\x00(\d+)\x00")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading.

    Attributes:
        level: 1 to 6.
        text: plain text, on one line.
        anchor: its fragment, as the page's generator makes it.
        source: its line of prose.
        nested: whether it stands in a block quote or a list.
    """

    level: int
    text: str
    anchor: str
    source: str
    nested: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A heading without its anchor: `slug_text` is what that is made from."""

    level: int
    slug_text: str
    explicit_id: str
    source: str
    nested: bool = False


def headings_and_lines(prose: Lifted, dialect: Dialect) -> Iterator[Heading | str]:
    """Every heading and every other line of the prose, in order."""
    parts: Iterable[_Found | str] = _parts(prose, dialect)
    explicit: list[str] = []
    if dialect in MKDOCS:
        parts = list(parts)
        explicit = [part.explicit_id for part in parts if isinstance(part, _Found)]
    slugger = Slugger(dialect, filter(None, explicit))
    for part in parts:
        yield part if isinstance(part, str) else _anchored(part, slugger)


def _anchored(found: _Found, slugger: Slugger) -> Heading:
    if found.explicit_id:
        anchor = slugger.explicit(found.explicit_id)
    else:
        anchor = slugger.slug(found.slug_text)
    shown = found.slug_text
    if not shown.isprintable() or not shown.isascii():
        shown = visible(shown)
    text = " ".join(shown.split())
    return Heading(found.level, text, anchor, found.source, nested=found.nested)


def _parts(prose: Lifted, dialect: Dialect) -> Iterator[_Found | str]:
    paragraph: list[str] = []
    in_container = False
    for line in prose.prose.split("\n"):
        first = line.lstrip(" \t")[:1]
        if first and not in_container and first not in _MAY_END_PARAGRAPH and line[0] == first:
            paragraph.append(line)
            continue
        if paragraph and first in _UNDERLINE and _SETEXT.fullmatch(line):
            yield _found(1 if first == "=" else 2, "\n".join(paragraph), prose, dialect)
            paragraph = []
            continue
        heading = _atx(line, prose, dialect) if first == "#" else None
        in_container = bool(first.strip()) and (in_container or bool(_CONTAINER.match(line)))
        if heading or in_container or not first or _NOT_IN_PARAGRAPH.match(line):
            yield from paragraph
            paragraph = []
            yield heading or _nested(line, prose, dialect) or line
        else:
            paragraph.append(line)
    yield from paragraph


def _nested(line: str, prose: Lifted, dialect: Dialect) -> _Found | None:
    """The heading inside a block quote or a list item, which has an anchor as well."""
    if "#" not in line or not (container := _CONTAINERS.match(line)):
        return None
    heading = _atx(line[container.end() :], prose, dialect)
    return replace(heading, source=line, nested=True) if heading else None


def _atx(line: str, prose: Lifted, dialect: Dialect) -> _Found | None:
    text = line.strip()
    if not text.startswith("#"):
        return None
    content = text.lstrip("#")
    level = len(text) - len(content)
    if level > _LEVELS or (content and not content[0].isspace()):
        return None
    unclosed = content.rstrip("#")
    if not unclosed or unclosed[-1].isspace():
        content = unclosed
    return _found(level, content.strip(), prose, dialect)


def _found(level: int, source: str, prose: Lifted, dialect: Dialect) -> _Found:
    shown, explicit_id = _without_id(source, dialect)
    return _Found(
        level=level,
        slug_text=_plain(shown, prose),
        explicit_id=explicit_id,
        source=f"{'#' * level} {shown}",
    )


def _without_id(source: str, dialect: Dialect) -> tuple[str, str]:
    """The heading's Markdown, and the anchor that its author chose, or ""."""
    end = source[-300:]
    if dialect in {Dialect.DOCUSAURUS, Dialect.HTML}:
        explicit = _ID.search(end)
        anchor = (explicit[1] or explicit[2]) if explicit else ""
    else:
        explicit = _ATTRIBUTES.search(end) if "{" in end else None
        anchor = _id_among(explicit[1]) if explicit else ""
    return (source[: -len(explicit[0])].rstrip() if explicit else source), anchor


def _id_among(attributes: str) -> str:
    ids = (word for word in attributes.split() if word.startswith(("#", "id=")))
    return next((word.lstrip("#").removeprefix("id=").strip("\"'") for word in ids), "")


def _plain(source: str, prose: Lifted) -> str:
    """The text without its inline Markdown."""
    if not _INLINE.search(source):
        return source
    escaped = _ESCAPE.sub(lambda m: f"&#{ord(m[1])};", source)
    text = html.unescape(_without_emphasis(MARKS.sub("", escaped)))
    return _INLINE_CODE.sub(lambda m: prose.code[int(m[1])].strip("`").strip(), text)


def _without_emphasis(text: str) -> str:
    """Drop the pairs of equal `*` or `_` runs that stand where emphasis may."""
    waiting: dict[str, list[tuple[int, int]]] = defaultdict(list)
    dropped: list[tuple[int, int]] = []
    for run in _EMPHASIS.finditer(text):
        before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        anywhere = run[0][0] == "*"  # while `_` is part of a word inside one
        if before.strip() and (anywhere or not after.isalnum()) and waiting[run[0]]:
            dropped += [waiting[run[0]].pop(), run.span()]
        elif after.strip() and (anywhere or not before.isalnum()):
            waiting[run[0]].append(run.span())
    return _without(text, sorted(dropped))


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
