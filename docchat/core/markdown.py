"""Reads Markdown and MDX: a page becomes sections of clean text under its headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from docchat.core.blocks import flat_blocks
from docchat.core.code_lifting import Lifted, lift_code
from docchat.core.headings import Heading, headings_and_lines
from docchat.core.hidden import without_hidden
from docchat.core.inline import without_links, without_tags
from docchat.core.models import MKDOCS, Dialect, Section
from docchat.core.shortcodes import without_shortcodes
from docchat.core.slugs import slugify
from docchat.core.visible import visible

SECTION_LEVELS = 4
"""Headings down to this level begin a section; deeper ones stay in the text."""

HEADING_MAX_CHARS = 200
"""A longer heading is read as a paragraph."""

_ADMONITION = re.compile(r"^([ \t>]*+):::++[ \t]*+([\w-]*+)[ \t]*+(.*)$", re.MULTILINE)
_ADMONITION_TITLE = re.compile(r"""\[(.*)\]|\{(?:.*\s)?title=["']([^"']*)["'].*\}""")
_ESM = re.compile(
    r"""import\s*(?:["'{]|\*\s*as\b|[\w$]++\s+from\b|[\w$]++\s*,)"""
    r"|export\s+(?:default|const|let|var|function|async\s+function|class)\b|export\s*[{*]"
)
_ESM_MAX_LINES = 300  # a longer statement ends at its first blank line
_MKDOCS_LIST_STEP = 4
_BLANK_LINES = re.compile(r"\n{3,}")


def sections(body: str, *, title: str = "", dialect: Dialect = Dialect.DOCUSAURUS) -> list[Section]:
    """The sections of a page, in order: one per heading of level 1 to 4, even without text.

    Args:
        body: Markdown or MDX without front matter. Any string is accepted.
        title: the page's title. A leading H1 that repeats it is not part of `heading_path`.
        dialect: whose Markdown it is, and so who makes the anchors.

    An H1 has no anchor where Docusaurus serves the page: it gives it none.
    """
    prose = _prose(body, dialect)
    outline = _Outline(prose, title, dialect)
    for part in headings_and_lines(prose, dialect):
        if isinstance(part, Heading):
            outline.add_heading(part)
        else:
            outline.lines.append(part.rstrip())
    return outline.finished()


def headings(body: str, dialect: Dialect = Dialect.DOCUSAURUS) -> Iterator[Heading]:
    """Every heading of the page, in order, down to level 6."""
    parts = headings_and_lines(_prose(body, dialect), dialect)
    return (part for part in parts if isinstance(part, Heading))


def first_heading(body: str, dialect: Dialect = Dialect.DOCUSAURUS) -> str | None:
    """The text of the page's first H1, or None when it has none."""
    found = (h.text for h in headings(body, dialect) if h.level == 1 and not h.nested)
    return next(filter(None, found), None)


def as_partial(body: str) -> str:
    """An MDX page as text that another page can hold, with its own anchors written out."""
    prose = _prose(body, Dialect.DOCUSAURUS)
    lines: list[str] = []
    for part in headings_and_lines(prose, Dialect.DOCUSAURUS):
        if isinstance(part, Heading) and not part.nested and part.level > 1 and part.anchor:
            lines.append(f"{part.source} {{#{part.anchor}}}")
        else:
            lines.append(part.source if isinstance(part, Heading) else part)
    return prose.source("\n".join(lines))


def _prose(body: str, dialect: Dialect) -> Lifted:
    text, list_step = visible(body), 0
    if dialect is Dialect.HUGO:
        text = without_shortcodes(text)
    elif dialect in MKDOCS:
        text, list_step = flat_blocks(text), _MKDOCS_LIST_STEP
    lifted = lift_code(text, list_step=list_step)
    prose = without_hidden(lifted.prose)
    if dialect is Dialect.DOCUSAURUS:
        prose = _ADMONITION.sub(_admonition, _without_esm(prose))
    return Lifted(without_links(without_tags(prose)), lifted.code)


def _admonition(line: re.Match[str]) -> str:
    """The title that a reader sees above the box: its own, or else its kind."""
    indent, kind, rest = line.groups()
    if not kind:
        return line[0] if rest else indent
    title = _ADMONITION_TITLE.fullmatch(rest.strip())
    shown = (title[1] or title[2]) if title else rest.strip()
    return f"{indent}{shown or kind.capitalize()}\n{indent}"


def _without_esm(prose: str) -> str:
    """Drop the `import` and `export` statements of MDX: they begin a block and end with it."""
    if "import" not in prose and "export" not in prose:
        return prose
    lines, kept, at, reach = prose.split("\n"), [""], 0, _ESM_MAX_LINES
    while at < len(lines):
        if not kept[-1].strip() and _ESM.match(lines[at]):
            at, closed = _esm_end(lines, at, reach)
            reach = reach if closed else 1  # look far ahead in vain once only
        else:
            kept.append(lines[at])
            at += 1
    return "\n".join(kept[1:])


def _esm_end(lines: list[str], start: int, reach: int) -> tuple[int, bool]:
    """The blank line or heading after the statement, and whether its brackets are closed.

    A statement may have blank lines inside its brackets. When they are not closed within
    `reach` lines, it ends with its first blank line.
    """
    depth, first_blank = 0, 0
    stop = min(len(lines), start + reach)
    for number in range(start, stop):
        line = lines[number]
        if depth <= 0 and (not line.strip() or line.startswith("#")):
            return number, True
        if not line.strip():
            first_blank = first_blank or number
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
    return (stop, True) if depth <= 0 else (first_blank or stop, False)


@dataclass(slots=True)
class _Outline:
    """Collects a page's sections while its headings and lines go by."""

    prose: Lifted
    title: str
    dialect: Dialect
    path: list[Heading] = field(default_factory=list)
    anchor: str = ""
    lines: list[str] = field(default_factory=list)
    done: list[Section] = field(default_factory=list)
    is_first: bool = True

    def add_heading(self, heading: Heading) -> None:
        if heading.nested:
            self.lines.append(heading.source.rstrip())
            return
        is_title = self.is_first and self._is_title(heading)
        self.is_first = False
        if heading.level > SECTION_LEVELS or len(heading.text) > HEADING_MAX_CHARS:
            self.lines += ["", heading.source, ""]
            return
        self._close_section()
        has_anchor = heading.level > 1 or not (is_title or self.dialect is Dialect.DOCUSAURUS)
        self.anchor = heading.anchor if has_anchor else ""
        self.path = [h for h in self.path if h.level < heading.level]
        if heading.text and not is_title:
            self.path.append(heading)

    def finished(self) -> list[Section]:
        self._close_section()
        return self.done

    def _is_title(self, heading: Heading) -> bool:
        return heading.level == 1 and (
            not self.title
            or heading.text == self.title
            or slugify(heading.text) == slugify(self.title) != ""
        )

    def _close_section(self) -> None:
        text = "\n".join(self.lines)
        if "\n\n\n" in text:
            text = _BLANK_LINES.sub("\n\n", text)
        text = self.prose.restore(text).strip("\n")
        self.lines = []
        path = tuple(heading.text for heading in self.path)
        if text.strip() or path:
            self.done.append(Section(path, self.anchor, text))
