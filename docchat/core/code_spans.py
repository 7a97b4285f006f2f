"""Knows, character by character, whether Markdown text is inside code."""

import re

_FENCE_PREFIX = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_FENCE_MIN = 3


class CodeTracker:
    """Follows fenced blocks and inline code spans as CommonMark has them.

    A stream cannot look ahead, so a run of backticks counts as open code until its closing run
    or the end of the paragraph.
    """

    def __init__(self) -> None:
        self._line = ""  # the current line
        self._run = ""  # the backticks or tildes just read
        self._fence = ""  # the run that opened the block
        self._inline = 0  # length of the run that opened the span
        self._closing = False  # this line may close the block
        self._escaped = False  # the next character is escaped by a backslash

    def inside_at(self, char: str) -> bool:
        """Whether `char`, coming next, is part of code."""
        if self._run and char != self._run[0]:
            self._end_run()
        return bool(self._fence or self._inline)

    def escapes(self) -> bool:
        """Whether the next character is escaped by a backslash."""
        return self._escaped

    def take(self, char: str) -> None:
        """Move past `char`."""
        inside = self.inside_at(char)
        if char == "\n":
            self._end_line()
        elif char in "`~" and not (self._escaped and not inside):
            self._run += char
            self._line += char
        else:
            self._line += char
            self._closing = self._closing and char.isspace()
        self._escaped = char == "\\" and not self._escaped and not inside

    def _end_run(self) -> None:
        run, self._run = self._run, ""
        starts_line = _FENCE_PREFIX.fullmatch(self._line[: -len(run)]) is not None
        if self._fence:
            self._closing = (
                starts_line and run[0] == self._fence[0] and len(run) >= len(self._fence)
            )
        elif starts_line and not self._inline and len(run) >= _FENCE_MIN:
            self._fence = run
        elif run[0] == "`":
            self._inline = {0: len(run), len(run): 0}.get(self._inline, self._inline)

    def _end_line(self) -> None:
        if self._closing:
            self._fence, self._closing = "", False
        if not self._line.strip():
            self._inline = 0
        self._line = ""
