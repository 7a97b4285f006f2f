"""Reads citation markers: `[3]`, and what models write instead of it.

A marker is a bracket group with nothing but numbers in it: `[1, 4-6]`, `[passage 2]`, `[^3]`,
`[[1], [2]]`, also with escaped or CJK brackets, emphasis, full-width digits, or a line end inside.
"""

import re
from collections.abc import Sequence

MOST_CHARS = 60
"""No bracket group that is longer counts as a marker."""

OPENING, CLOSING = "[\u3010\uff3b", "\\]\u3011\uff3d"  # also the CJK ones

_BRACKET = re.compile(rf"(?P<open>[\{OPENING}])|[{CLOSING}]")
_LINE_END = r"\n[ \t>]*+"
_NOISE = re.compile(rf"{_LINE_END}|[\{OPENING}{CLOSING}\\*_]")
_NAME = r"(?:passages?|sources?)\b"
_NUMBER = rf"(?:{_NAME}\s*+)?+\^?+\s*+\d++"
_LIST = re.compile(
    rf"\s*+{_NUMBER}(?:[\s,;–&-]*+(?:and\b\s*+)?+{_NUMBER})*+[\s,;]*+", re.IGNORECASE
)
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_ONLY_MARKS = re.compile(
    rf"(?:{_NAME}|and\b|{_LINE_END}|[\{OPENING}{CLOSING}\\*_\s\d,;–&^-])*+", re.IGNORECASE
)
_LONGEST_RANGE = 100
_PADDED = re.compile(r"(?<!\d)0\d")


def group_end(text: str, start: int) -> int:
    """Offset behind the bracket that closes the one at `start`; 0 if it is not near enough."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start, start + MOST_CHARS):
        depth += 1 if bracket["open"] else -1
        if depth == 0:
            return bracket.end()
    return 0


def cited_numbers(group: str) -> list[int]:
    """The numbers that a bracket group cites, ranges written out; none if it is no marker."""
    flat = _NOISE.sub(" ", group)
    if not _LIST.fullmatch(flat):
        return []
    numbers: list[int] = []
    for first, last in _RANGE.findall(flat):
        low = int(first)
        numbers += range(low, min(int(last or first), low + _LONGEST_RANGE) + 1)
    return numbers


def is_value(group: str, numbers: Sequence[int]) -> bool:
    """Whether a group's numbers mean something else: an interval as `[0, 1]`, a time as `[0003]`.

    Passages are numbered from 1, and nobody writes their numbers with a zero in front.
    """
    return bool(numbers) and (_PADDED.search(group) is not None or 0 in numbers[:-1])


def in_parentheses(group: str) -> str:
    """The group without its brackets, in parentheses: it must not look like a marker."""
    return f"({_NOISE.sub('', group).strip()})"


def is_only_marks(text: str) -> bool:
    """Whether `text` could be a part of a marker, wherever it is cut."""
    return _ONLY_MARKS.fullmatch(text) is not None
