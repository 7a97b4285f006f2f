"""Fenced code blocks: where they begin and where they end, by CommonMark's sections 4 and 5."""

import re

CODE_INDENT = 4
"""So many spaces in, from the text that a block stands in, it is code and no fence (4.4, 4.5)."""

LIST_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:[ \t]{1,4}(?![ \t])|[ \t]|$)")
"""A list item's marker and the space behind it, up to where its text begins (5.2)."""

FENCE_PREFIX = r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)*+"

FENCE = re.compile(
    rf"^(?P<prefix>{FENCE_PREFIX})"
    r"(?P<run>(?P<char>[`~])(?P=char){2,}+)(?P<info>(?:(?<=`)[^`\n]*|(?<=~)[^\n]*))$",
    re.MULTILINE,
)
"""An opening line; `prefix` is the indentation with any list markers or quote signs."""

_CLOSING = re.compile(r"^(?P<indent>[ \t>]*+)(?P<run>`{3,}+|~{3,}+)[ \t]*$", re.MULTILINE)
_CLOSING_IN_QUOTE = re.compile(rf"{_CLOSING.pattern}|^(?![ \t]*+>)", re.MULTILINE)


def closes(opening: re.Match[str], line: str) -> bool:
    """Whether this line ends the fence that `FENCE` found."""
    closing = _CLOSING.fullmatch(line)
    return bool(closing and closing["run"].startswith(opening["run"]))


def fence_end(text: str, opening: re.Match[str]) -> int:
    """Offset behind the closing line of a fence that `FENCE` found in `text`.

    A fence that is never closed ends with its block quote, or with the text.
    """
    pattern = _CLOSING_IN_QUOTE if ">" in opening["prefix"] else _CLOSING
    for line in pattern.finditer(text, opening.end()):
        if line["run"] is None:
            return line.start() - 1
        deeper = len(line["indent"]) - len(opening["prefix"])
        if line["run"].startswith(opening["run"]) and deeper < CODE_INDENT:
            return line.end()
    return len(text)
