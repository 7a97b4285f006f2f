"""Citations: only markers that name a passage of this request reach the visitor.

The model writes `[3]` for the third passage it was given. The filter renumbers such markers in
order of first use, drops those that name nothing, and leaves code alone. It sees the answer in
whatever pieces the model streams; the pieces do not change the result.
"""

import re
from collections.abc import Iterator, Sequence

from docchat.core.code_spans import CodeTracker
from docchat.core.models import Event, Passage, Source, Sources, TextDelta

_SNIPPET_CHARS = 240
_MARKER = re.compile(r"\[\s*\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*\s*\]")
_MARKER_SO_FAR = re.compile(r"\[[\d \t,;–-]*")
_MARKER_MAX = 60
_MARKS = re.compile(r"^[ \t]*(?:#{1,6} |(?:```|~~~).*$)", re.MULTILINE)  # noise in a snippet
_NUMBERS = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")


class CitationFilter:
    """Turns the model's text into the visitor's text and its sources."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._shown: dict[int, int] = {}  # passage number → number that the visitor sees
        self._code = CodeTracker()
        self._marker = ""  # held back: it may become a marker
        self._spaces = ""  # held back: they go if the marker after them goes
        self._last = ""  # "cited" or "dropped" right after a marker
        self._out: list[str] = []
        self._new: list[Source] = []

    @property
    def cited(self) -> int:
        """How many passages the answer cites so far."""
        return len(self._shown)

    def feed(self, text: str) -> list[Event]:
        """The events that this piece makes certain."""
        for char in text:
            self._take(char)
        return self._flush()

    def close(self) -> list[Event]:
        """The events still held back when the answer ends."""
        self._give_up_marker()
        self._release_spaces()
        return self._flush()

    def _take(self, char: str) -> None:
        if self._marker:
            self._continue_marker(char)
        elif char == "[" and not self._code.inside_at(char) and not self._code.escapes():
            self._marker = char
        else:
            self._pass_on(char)

    def _continue_marker(self, char: str) -> None:
        candidate = self._marker + char
        if char == "]" and _MARKER.fullmatch(candidate):
            self._marker = ""
            self._cite(candidate)
        elif len(candidate) <= _MARKER_MAX and _MARKER_SO_FAR.fullmatch(candidate):
            self._marker = candidate
        else:
            self._give_up_marker()
            self._take(char)

    def _give_up_marker(self) -> None:
        held, self._marker = self._marker, ""
        for char in held:
            self._pass_on(char)

    def _cite(self, marker: str) -> None:
        known = [n for n in _numbers(marker) if 1 <= n <= len(self._passages)]
        if not known:
            self._last = "dropped"
            return
        self._release_spaces()
        for char in "".join(f"[{n}]" for n in dict.fromkeys(map(self._number, known))):
            self._put(char)
        self._last = "cited"

    def _number(self, passage_number: int) -> int:
        if passage_number not in self._shown:
            n = self._shown[passage_number] = len(self._shown) + 1
            self._new.append(_source(n, self._passages[passage_number - 1]))
        return self._shown[passage_number]

    def _pass_on(self, char: str) -> None:
        if self._last == "dropped" and not char.isalnum():
            self._spaces = ""
        if char == " " and not self._code.inside_at(char):
            self._spaces += char
        else:
            self._release_spaces()
            if self._last == "cited" and char in "(:":
                # `[1](…)` would be a link and `[1]: …` define one: the model's, not ours.
                self._put(" ")
            self._put(char)
        self._last = ""

    def _release_spaces(self) -> None:
        held, self._spaces = self._spaces, ""
        for space in held:
            self._put(space)

    def _put(self, char: str) -> None:
        self._code.take(char)
        self._out.append(char)

    def _flush(self) -> list[Event]:
        events: list[Event] = []
        if self._new:
            events.append(Sources(tuple(self._new)))
        if self._out:
            events.append(TextDelta("".join(self._out)))
        self._new, self._out = [], []
        return events


def _numbers(marker: str) -> Iterator[int]:
    """`[2, 4-6]` → 2, 4, 5, 6. A range cannot be longer than any list of passages."""
    for first, last in _NUMBERS.findall(marker):
        low = int(first)
        high = min(int(last or first), low + 100)
        yield from range(low, high + 1)


def _source(n: int, passage: Passage) -> Source:
    chunk = passage.chunk
    return Source(
        n, " › ".join((chunk.title, *chunk.heading_path)), chunk.url, _snippet(chunk.text)
    )


def _snippet(text: str) -> str:
    flat = " ".join(_MARKS.sub("", text).split())
    if len(flat) <= _SNIPPET_CHARS:
        return flat
    return flat[:_SNIPPET_CHARS].rsplit(" ", 1)[0] + " …"
