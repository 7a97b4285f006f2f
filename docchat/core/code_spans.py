"""Splits streamed Markdown into code and prose, as CommonMark has them."""

import re
from typing import NamedTuple

from docchat.core.bare_lines import NOTHING
from docchat.core.line_starts import Blocks, Kind

_MOST_HELD = 1000  # characters
_LINES = re.compile(r"[^\n]*+\n|[^\n]++")
_TICKS = re.compile(r"`++")
_TOKEN = re.compile(r"\\.|`++", re.DOTALL)
_CELL_END = re.compile(r"(?<!\\)(?:\\\\)*+\|")


class Segment(NamedTuple):
    """A part of the text.

    Attributes:
        text: empty where a block ends.
        fixed: nobody may change it: code, the end of a block, or what a filter has made.
        span: it is a whole code span.
    """

    text: str
    fixed: bool
    span: bool = False


_BLOCK_END = Segment("", fixed=True)


class CodeSplitter:
    """Gives out each part of a stream as soon as it is certain whether it is code.

    What waits is the start of a line, while it may be a fence, an opening run of backticks, until
    it is closed or its paragraph ends, and a last backslash. Nothing waits for more than 1,000
    characters: then the rest of the paragraph counts as prose, or the rest of the text if a
    line's start was too long. Code by indentation alone counts as prose, too, and so does what
    a table's cells would cut apart. Renderers agree only if backticks in prose are escaped and
    every `<` in it opens nothing.
    """

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._start = ""  # held back: the start of a line
        self._at_start = True
        self._fenced = False  # the current line belongs to a fenced block
        self._inline = ""  # held back: from an opening run of backticks on
        self._searched = 0  # how much of it has no closing run
        self._all_prose = False  # the rest of the paragraph
        self._cuttable = False  # the current line has code that the cells of a table would cut

    def feed(self, text: str) -> list[Segment]:
        """The segments that this piece makes certain."""
        segments: list[Segment] = []
        for part in _LINES.findall(text):
            segments += self._take(part)
        return segments

    def close(self) -> list[Segment]:
        """The segments still held back when the text ends."""
        segments: list[Segment] = []
        if self._start:
            line, self._start = self._start, ""
            segments = self._begin_line(line)
        return [*segments, *self._end_block()]

    def _take(self, part: str) -> list[Segment]:
        if not self._at_start:
            self._at_start = part.endswith("\n")
            return self._continue_line(part)
        self._start += part
        if not part.endswith("\n") and self._blocks.undecided(self._start):
            if len(self._start) <= _MOST_HELD:
                return []
            self._blocks.give_up()
        line, self._start = self._start, ""
        self._at_start = part.endswith("\n")
        return self._begin_line(line)

    def _begin_line(self, line: str) -> list[Segment]:
        kind = self._blocks.begin(line)
        ended = [] if kind is Kind.CONTINUATION else self._end_block()
        if kind is Kind.DELIMITER_ROW and self._cuttable:
            ended.append(Segment(NOTHING, fixed=False))  # the line before shall head no table
        self._fenced, self._cuttable = kind is Kind.FENCED, False
        return [*ended, *self._continue_line(line)]

    def _continue_line(self, part: str) -> list[Segment]:
        if self._fenced:
            return [Segment(part, fixed=True)]
        return self._split(self._inline + part, final=False)

    def _end_block(self) -> list[Segment]:
        segments = self._split(self._inline, final=True)
        self._all_prose = False
        return [*segments, _BLOCK_END]

    def _split(self, text: str, *, final: bool) -> list[Segment]:
        """Cut `text` at its code spans and hold back what is not certain."""
        segments: list[Segment] = []
        given = position = 0
        self._all_prose = self._all_prose or self._blocks.given_up
        while not self._all_prose and (token := _TOKEN.search(text, position)):
            position = token.end()
            if token[0][0] == "\\":
                continue
            end = self._closing(text, token, final=final)
            if end is None:
                return [*segments, *self._hold(text, given, token.start())]
            if end and not self._cut_by_cells(text[token.start() : end]):
                prose = Segment(text[given : token.start()], fixed=False)
                code = Segment(text[token.start() : end], fixed=True, span=True)
                segments += [prose, code]
                given = position = end
        ends_open = not final and text.endswith("\\", position)
        return [*segments, *self._hold(text, given, len(text) - ends_open)]

    def _cut_by_cells(self, span: str) -> bool:
        """Whether the span is in a table and in more than one of its cells."""
        cuttable = "\n" in span or _CELL_END.search(span) is not None
        self._cuttable = self._cuttable or cuttable
        return cuttable and self._blocks.in_table

    def _hold(self, text: str, given: int, certain: int) -> list[Segment]:
        self._inline = text[certain:]
        return [Segment(text[given:certain], fixed=False)] if certain > given else []

    def _closing(self, text: str, opening: re.Match[str], *, final: bool) -> int | None:
        """Where the span that begins there ends; 0 if none does, None if it is not yet known."""
        length, limit = len(opening[0]), opening.start() + _MOST_HELD
        searched = max(opening.end(), self._searched if opening.start() == 0 else 0)
        self._searched = 0
        for run in _TICKS.finditer(text, searched):
            if run.end() > limit:
                break
            if run.end() == len(text) and not final:
                searched = run.start()
                break
            if len(run[0]) == length:
                return run.end()
        else:
            searched = len(text)
        if len(text) > limit:
            self._all_prose = True
            return 0
        if final:
            return 0
        self._searched = searched - opening.start()
        return None
