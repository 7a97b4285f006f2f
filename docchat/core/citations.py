"""Citations: only markers that name a passage of this request reach the visitor.

The model writes `[3]` for the third passage it was given. The filter renumbers such markers in
order of first use, drops those that name nothing, and leaves code alone. It sees the answer in
whatever pieces the model streams; the pieces do not change the result.
"""

import re
from collections.abc import Iterable, Sequence

from docchat.core.bare_lines import NOTHING, BareLine, opens_block
from docchat.core.code_spans import CodeSplitter, Segment
from docchat.core.markers import (
    MOST_CHARS,
    OPENING,
    cited_numbers,
    group_end,
    in_parentheses,
    is_only_marks,
    is_value,
)
from docchat.core.models import Passage, Source
from docchat.core.visible import one_line

_SNIPPET_CHARS = 240
_TITLE_CHARS = 200
_NOISE = re.compile(r"^[ \t]*(?:#{1,6} |(?:```|~~~).*$)", re.MULTILINE)

_TOKEN = re.compile(rf"(?P<mark>\\?[\{OPENING}])|(?P<tail>\\\Z)|\\.", re.DOTALL)
_NO_SPACE_BEFORE = set(" \t\n.,;:!?)")
_MARK_BEGINS = {*OPENING, "\\"}


class CitationFilter:
    """Turns the model's segments into the visitor's, and collects their sources.

    What was on the two sides of a dropped marker makes no new marker and no new block.

    Attributes:
        new: sources that were cited for the first time; whoever reads them takes them away.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.new: list[Source] = []
        self._passages = passages
        self._shown: dict[int, int] = {}  # passage number → number that the visitor sees
        self._held = ""  # prose that may become a marker
        self._line = BareLine()
        self._space = ""  # in front of a dropped marker; the next one may drop it, too
        self._prose: list[str] = []  # given out since the last fixed segment

    @property
    def cited(self) -> int:
        """How many passages the answer cites so far."""
        return len(self._shown)

    def take(self, segments: Iterable[Segment]) -> list[Segment]:
        """What these segments make certain; the end of a block lets everything out."""
        out: list[Segment] = []
        prose = self._held
        for segment in segments:
            if segment.fixed:
                self._filter(prose, following=segment.text[:1])
                out += [*self._given(), segment]
                self._line.add(segment.text)
                prose = ""
            else:
                prose += segment.text
        self._filter(prose)
        return [*out, *self._given()]

    def _given(self) -> list[Segment]:
        text = "".join(self._prose)
        self._prose.clear()
        self._line.add(text)
        return [Segment(text, fixed=False)] if text else []

    def _filter(self, text: str, following: str | None = None) -> None:
        """Give out prose; `following` is the character behind it if no more prose comes."""
        position, self._held = 0, ""
        if not text:
            return
        while token := _TOKEN.search(text, position):
            space = " " if text.endswith(" ", position, token.start()) else ""
            self._put(text[position : token.start() - len(space)])
            end = self._take(token, space, following)
            if end is None:
                self._held = text[token.start() - len(space) :]
                return
            position = end
        if following is None and text.endswith(" ", position):
            self._held = " "
        self._put(text[position : len(text) - len(self._held)])

    def _take(self, token: re.Match[str], space: str, following: str | None) -> int | None:
        """Where the text that this token settles ends; None if it settles nothing yet."""
        if token["mark"]:
            return self._open(token, space, following)
        if token["tail"] and following is None:
            return None
        self._put(space + token[0])
        return token.end()

    def _open(self, token: re.Match[str], space: str, following: str | None) -> int | None:
        text, start = token.string, token.end() - 1
        end = group_end(text, start)
        window = text[start : end or start + MOST_CHARS]
        if not end and len(window) < MOST_CHARS and following is None:
            return None
        if not end and len(window) == MOST_CHARS and is_only_marks(window):
            return start + len(window) - len(window.lstrip(OPENING))
        numbers = cited_numbers(window) if end else []
        if is_value(window, numbers):
            self._put(" " + in_parentheses(window))  # behind a bracket it would be a link
            return end
        known = [n for n in numbers if 1 <= n <= len(self._passages)]
        if known:
            self._put(space)
            self._put("".join(f"[{n}]" for n in dict.fromkeys(map(self._number, known))))
            return end
        if numbers:
            return self._drop(space, text, end, following)
        self._put(space + token[0])
        return token.end()

    def _number(self, passage_number: int) -> int:
        if passage_number not in self._shown:
            n = self._shown[passage_number] = len(self._shown) + 1
            self.new.append(source_of(n, self._passages[passage_number - 1]))
        return self._shown[passage_number]

    def _drop(self, space: str, text: str, end: int, following: str | None) -> int | None:
        """Leave out the marker that ends at `end`, and the space that it leaves over."""
        behind = end + len(text[end : end + 3]) - len(text[end : end + 3].lstrip(" "))
        if following is None and behind == len(text):
            return None
        self._prose = [given.text for given in self._given()]  # for the line to be up to date
        if self._line.so_far:
            self._put(space)
            if not opens_block(text[behind : behind + 1] or following or "a"):
                return behind
            self._put(NOTHING)
            return end
        after = text[end : end + 1] or following or " "
        space, self._space = space or self._space, ""
        if after in _MARK_BEGINS:
            self._space = space
        elif space and after not in _NO_SPACE_BEFORE:
            self._put(space)
        return end

    def _put(self, prose: str) -> None:
        if prose:
            self._prose += [self._space, prose]
            self._space = ""


def without_citations(text: str) -> str:
    """The text of an earlier answer without its markers, which meant that answer's sources."""
    code = CodeSplitter()
    kept = CitationFilter(()).take([*code.feed(text), *code.close()])
    return "".join(segment.text for segment in kept)


def source_of(n: int, passage: Passage) -> Source:
    """The passage as the visitor sees it."""
    chunk = passage.chunk
    return Source(
        n,
        one_line(" › ".join((chunk.title, *chunk.heading_path)), most=_TITLE_CHARS),
        chunk.url,
        one_line(_NOISE.sub("", chunk.text), most=_SNIPPET_CHARS),
        chunk.id,
    )
