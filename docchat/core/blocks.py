"""The blocks that MkDocs marks by indentation: admonitions, collapsible notes, tabs."""

import re

from docchat.core.fences import FENCE, closes

_STEP = 4  # spaces by which Python-Markdown's content is indented
_OPENING = re.compile(
    r"(?:!!!|\?\?\?\+?|===[!+]*)"
    r"(?:[ \t]+(?P<kind>[\w-]+)(?:[ \t]+[\w-]+)*)?(?:[ \t]+\"(?P<title>[^\"\n]*)\")?[ \t]*"
)
_GENERIC = re.compile(r"/{3,}(?:[ \t]+(?P<kind>[\w-]+)(?:[ \t]*\|[ \t]*(?P<title>.*))?)?[ \t]*")


def flat_blocks(text: str) -> str:
    """The page with each block's title on a line of its own and its content not indented."""
    if not any(mark in text for mark in ("!!!", "???", "===", "///")):
        return text
    lines: list[str] = []
    opened: list[int] = []  # the indentation of the blocks that are open, outermost first
    fence: re.Match[str] | None = None
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        while line.strip() and opened and indent < opened[-1] + _STEP:
            opened.pop()
            fence = None
        inner = line[min(indent, _STEP * len(opened)) :]
        if fence:
            fence = None if closes(fence, inner) else fence
        elif title := _title(inner):
            if inner.strip().startswith(("!", "?", "=")):
                opened.append(indent)
            inner = _on_its_own(title, inner)
        else:
            fence = FENCE.fullmatch(inner)
        lines.append(inner)
    return "\n".join(lines)


def _title(line: str) -> re.Match[str] | None:
    text = line.lstrip(" ")
    if not text.startswith(("!!!", "???", "===", "///")):
        return None
    found = _OPENING.fullmatch(text) or _GENERIC.fullmatch(text)
    is_setext = found and found["kind"] is found["title"] is None and text.startswith("=")
    return None if is_setext else found


def _on_its_own(found: re.Match[str], line: str) -> str:
    """What a reader sees above the block: its title, or else its kind."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    kind = (found["kind"] or "").capitalize()
    shown = found["title"] if found["title"] is not None else kind
    return f"{indent}{shown}\n" if shown.strip() else ""
