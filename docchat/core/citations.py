"""Citations: only markers that name a passage of this request reach the visitor.

The model writes `[3]` for the third passage it was given. The filter renumbers such markers in
order of first use, drops those that name nothing, and leaves code alone. It sees the answer in
whatever pieces the model streams; the pieces do not change the result.
"""

import re
from collections.abc import Sequence

from docchat.core.code_spans import CodeSplitter
from docchat.core.markers import (
    MOST_CHARS,
    OPENING,
    cited_numbers,
    group_end,
    is_only_marks,
)
from docchat.core.models import Event, Passage, Source, Sources, TextDelta

_SNIPPET_CHARS = 240
_NOISE = re.compile(r"^[ \t]*(?:#{1,6} |(?:```|~~~).*$)", re.MULTILINE)

_TOKEN = re.compile(rf"(?P<space> ?)(?P<mark>\\?[\{OPENING}])|(?P<tail> \\?\Z|\\\Z)|\\.", re.DOTALL)
_BARE = re.compile(r"[ \t>*+\-_=#0-9.)]*+")  # a line so far that may still open a block
_OPENS_BLOCK = set(" \t\n>*+-_=#0123456789.)`~<")
_NO_SPACE_BEFORE = set(" \t\n.,;:!?)")
_MARK_BEGINS = {*OPENING, "\\"}
_LINK = re.compile(r"\](?=[(:])")  # of its text and target, or of a definition
_NOTHING = "\u200b"  # keeps apart what must not meet when a marker goes


class CitationFilter:
    """Turns the model's text into the visitor's text and its sources.

    No link and no image of the model's gets through, so a citation is never part of one: between
    `]` and `(` or `:` a space is put. What a dropped marker kept apart stays apart: the text on
    its two sides makes no new marker, code or block.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._shown: dict[int, int] = {}  # passage number → number that the visitor sees
        self._splitter = CodeSplitter()
        self._held = ""  # prose that may become a marker
        self._bare = True  # the current line matches `_BARE`
        self._space = ""  # in front of a dropped marker; the next one may drop it, too
        self._last = ""  # the last character given out
        self._out: list[str] = []
        self._new: list[Source] = []

    @property
    def cited(self) -> int:
        """How many passages the answer cites so far."""
        return len(self._shown)

    def feed(self, text: str) -> list[Event]:
        """The events that this piece makes certain."""
        return self._events(self._splitter.feed(text.replace("\r", "")))

    def close(self) -> list[Event]:
        """The events still held back when the answer ends."""
        return self._events(self._splitter.close())

    def _events(self, segments: Sequence[tuple[str, bool]]) -> list[Event]:
        for text, is_code in segments:
            if is_code:
                self._filter(self._held, following=text[:1])
                self._give(text)
            else:
                self._filter(self._held + text)
        events: list[Event] = [Sources(tuple(self._new))] if self._new else []
        if self._out:
            events.append(TextDelta("".join(self._out)))
        self._new, self._out = [], []
        return events

    def _filter(self, text: str, following: str | None = None) -> None:
        """Give out prose; `following` is the character behind it if no more prose comes."""
        position, self._held = 0, ""
        while token := _TOKEN.search(text, position):
            self._put(text[position : token.start()])
            end = self._take(token, following)
            if end is None:
                self._held = text[token.start() :]
                return
            position = end
        self._put(text[position:])

    def _take(self, token: re.Match[str], following: str | None) -> int | None:
        """Where the text that this token settles ends; None if it settles nothing yet."""
        if token["mark"]:
            return self._open(token, following)
        if token["tail"] and following is None:
            return None
        self._put(token[0])
        return token.end()

    def _open(self, token: re.Match[str], following: str | None) -> int | None:
        text, start = token.string, token.end() - 1
        end = group_end(text, start)
        window = text[start : end or start + MOST_CHARS]
        if not end and len(window) < MOST_CHARS and following is None:
            return None
        if not end and len(window) == MOST_CHARS and is_only_marks(window):
            return start + len(window) - len(window.lstrip(OPENING))
        numbers = cited_numbers(window) if end else []
        known = [n for n in numbers if 1 <= n <= len(self._passages)]
        if known:
            self._put(token["space"])
            self._put("".join(f"[{n}]" for n in dict.fromkeys(map(self._number, known))))
            return end
        if numbers:
            return self._drop(token["space"], text, end, following)
        self._put(token[0])
        return token.end()

    def _number(self, passage_number: int) -> int:
        if passage_number not in self._shown:
            n = self._shown[passage_number] = len(self._shown) + 1
            self._new.append(source_of(n, self._passages[passage_number - 1]))
        return self._shown[passage_number]

    def _drop(self, space: str, text: str, end: int, following: str | None) -> int | None:
        """Leave out the marker that ends at `end`, and the space that it leaves over."""
        behind = end + len(text[end : end + 3]) - len(text[end : end + 3].lstrip(" "))
        if following is None and behind == len(text):
            return None
        if self._bare:
            self._put(space)
            if (text[behind : behind + 1] or following or "a") not in _OPENS_BLOCK:
                return behind
            self._put(_NOTHING)
            return end
        after = text[end : end + 1] or following or " "
        space, self._space = space or self._space, ""
        if after in _MARK_BEGINS:
            self._space = space
        elif space and after not in _NO_SPACE_BEFORE:
            self._put(space)
        elif self._last in "`~!" and after in "`~[":
            self._put(_NOTHING)
        return end

    def _put(self, prose: str) -> None:
        if prose:
            spaced, self._space = self._space + prose, ""
            self._give(_LINK.sub("] ", self._last + spaced)[len(self._last) :])

    def _give(self, text: str) -> None:
        if text:
            line = text.rpartition("\n")[2]
            self._bare = ("\n" in text or self._bare) and _BARE.fullmatch(line) is not None
            self._last = text[-1]
            self._out.append(text)


def source_of(n: int, passage: Passage) -> Source:
    """The passage as the visitor sees it."""
    chunk = passage.chunk
    return Source(
        n,
        " › ".join((chunk.title, *chunk.heading_path)),
        chunk.url,
        _snippet(chunk.text),
        chunk.id,
    )


def _snippet(text: str) -> str:
    flat = " ".join(_NOISE.sub("", text).split())
    if len(flat) <= _SNIPPET_CHARS:
        return flat
    return flat[:_SNIPPET_CHARS].rsplit(" ", 1)[0] + " …"
