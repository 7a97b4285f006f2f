"""Finds the headings in Markdown prose."""

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from docchat.core.code_lifting import MARKS, Lifted
from docchat.core.visible import visible

_LEVELS = 6
_SETEXT = re.compile(r" {0,3}(?:=++|-++)[ \t]*+")
_CONTAINER = re.compile(r"[ \t]*+(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t]))")
_CONTAINERS = re.compile(r"[ \t]*+(?:(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])[ \t]*+)++")
_NOT_IN_PARAGRAPH = re.compile(r"[ \t]*+(?:$|\||[-_*=][-_*= \t]*+$)| {4}|\t|\x01")
_ID = re.compile(r"(?:\\?\{#([^\s{}]++)\}|\x02([^\x03]++)\x03)$")
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
        slug_text: what its anchor is made from.
        explicit_id: the anchor its author chose, or "".
        source: its line of prose.
    """

    level: int
    text: str
    slug_text: str
    explicit_id: str
    source: str


def headings_and_lines(prose: Lifted) -> Iterator[Heading | str]:
    """Every heading and every other line of the prose, in order."""
    paragraph: list[str] = []
    in_container = False
    for line in prose.prose.split("\n"):
        if paragraph and _SETEXT.fullmatch(line):
            yield _heading(1 if "=" in line else 2, "\n".join(paragraph), prose)
            paragraph = []
            continue
        heading = _atx(line, prose)
        in_container = bool(line.strip()) and (in_container or bool(_CONTAINER.match(line)))
        if heading or in_container or _NOT_IN_PARAGRAPH.match(line):
            yield from paragraph
            paragraph = []
            yield heading or line
        else:
            paragraph.append(line)
    yield from paragraph


def nested_heading(line: str, prose: Lifted) -> Heading | None:
    """The heading inside a block quote or a list item, which has an anchor as well."""
    if "#" not in line or not (container := _CONTAINERS.match(line)):
        return None
    return _atx(line[container.end() :], prose)


def _atx(line: str, prose: Lifted) -> Heading | None:
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
    return _heading(level, content.strip(), prose)


def _heading(level: int, source: str, prose: Lifted) -> Heading:
    explicit = _ID.search(source[-300:])
    shown = source[: -len(explicit[0])].rstrip() if explicit else source
    slug_text = _plain(shown, prose)
    return Heading(
        level=level,
        text=" ".join(visible(slug_text).split()),
        slug_text=slug_text,
        explicit_id=(explicit[1] or explicit[2]) if explicit else "",
        source=f"{'#' * level} {shown}",
    )


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
