"""Reads Markdown and MDX: a page becomes sections of clean text under its headings."""

import re
from dataclasses import dataclass, field

from docchat.core.code_lifting import Lifted, lift_code
from docchat.core.headings import Heading, headings_and_lines, nested_heading
from docchat.core.inline import without_links, without_tags
from docchat.core.models import Section
from docchat.core.slugs import Slugger, slugify
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
_BLANK_LINES = re.compile(r"\n{3,}")


def sections(body: str, *, title: str = "") -> list[Section]:
    """The sections of a page, in order: one per heading of level 1 to 4, even without text.

    Args:
        body: Markdown or MDX without front matter. Any string is accepted.
        title: the page's title. A leading H1 that repeats it is not part of `heading_path`.

    An H1 has no anchor: Docusaurus gives it none. The anchors of the others are those that
    Docusaurus makes.
    """
    prose = _prose(body)
    outline = _Outline(prose, title)
    for part in headings_and_lines(prose):
        if isinstance(part, Heading):
            outline.add_heading(part)
        else:
            outline.add_line(part)
    return outline.finished()


def first_heading(body: str) -> str | None:
    """The text of the page's first H1, or None when it has none."""
    parts = headings_and_lines(_prose(body))
    return next((p.text for p in parts if isinstance(p, Heading) and p.level == 1 and p.text), None)


def _prose(body: str) -> Lifted:
    lifted = lift_code(visible(body))
    prose = _ADMONITION.sub(_admonition, _without_esm(lifted.prose))
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
    slugger: Slugger = field(default_factory=Slugger)
    path: list[Heading] = field(default_factory=list)
    anchor: str = ""
    lines: list[str] = field(default_factory=list)
    done: list[Section] = field(default_factory=list)
    is_first: bool = True

    def add_line(self, line: str) -> None:
        if heading := nested_heading(line, self.prose):
            self.slugger.slug(heading.slug_text)
        self.lines.append(line.rstrip())

    def add_heading(self, heading: Heading) -> None:
        anchor = heading.explicit_id or self.slugger.slug(heading.slug_text)
        is_first, self.is_first = self.is_first, False
        if heading.level > SECTION_LEVELS or len(heading.text) > HEADING_MAX_CHARS:
            self.lines += ["", heading.source, ""]
            return
        self._close_section()
        self.anchor = "" if heading.level == 1 else anchor
        self.path = [h for h in self.path if h.level < heading.level]
        if heading.text and not (is_first and self._is_title(heading)):
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
        text = self.prose.restore(_BLANK_LINES.sub("\n\n", "\n".join(self.lines))).strip("\n")
        self.lines = []
        path = tuple(heading.text for heading in self.path)
        if text.strip() or path:
            self.done.append(Section(path, self.anchor, text))
