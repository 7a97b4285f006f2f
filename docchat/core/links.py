"""Links: the model's own lead to listed hosts or become their text; images become theirs.

A link that passes is written anew, so that every renderer reads the same address in it. Of all
others there is nothing left to make a link of: no `](` gets through but in links written here,
and no definition of a reference.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from docchat.core.bare_lines import NOTHING, BareLine, opens_block
from docchat.core.code_spans import Segment
from docchat.core.hosts import Hosts, place_of

MOST_CHARS = 500
"""No link text and no target that is longer is taken for one."""

_TOKEN = re.compile(
    r"(?=[!\[\]\\])(?:"  # nothing else begins one; most characters are none of these
    r"\\[!-/:-@\[-`{-~]|(?P<cited>!?\[\d+\])|(?P<open>!?\[)|(?P<close>\])|(?P<tail>[!\\]\Z))"
)
_TITLE = r"\"[^\"\[\]]*+\"|'[^'\[\]]*+'|\([^()\[\]]*+\)"
_TARGET = re.compile(
    r"\(\s*+(?:<(?P<angled>[^<>\[\]\n]*+)>|(?P<plain>[^\s()<\[\]]*+(?:\([^\s()\[\]]*+\)[^\s()\[\]]*+)*+))"
    rf"(?:\s++(?:{_TITLE}))?+\s*+\)"
)
_MAYBE_TARGET = re.compile(
    r"\(\s*+(?:<[^<>\[\]\n]*+>?|[^\s<\[\]]*+)"
    rf"(?:\s++(?:{_TITLE}|\"[^\"\[\]]*+|'[^'\[\]]*+|\([^()\[\]]*+)?+\s*+)?+"
)
_CITATION = re.compile(r"\[\d+\]")


class _Opening(NamedTuple):
    """A bracket that may open a link: where it is, and how the line was there."""

    place: int
    offset: int
    bare: bool


class LinkFilter:
    """Holds back what may become a link, from its bracket on, for up to 500 characters."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._held = ""  # prose that is not yet understood
        self._out: list[Segment] = []
        self._openings: list[_Opening] = []
        self._offset = 0
        self._line = BareLine()
        self._last = ""
        self._bracketed = False  # this block has a bracket that was opened
        self._defines = False  # the last bracket may be a definition's, if a colon follows

    def take(self, segments: Iterable[Segment]) -> list[Segment]:
        """What these segments make certain; the end of a block lets everything out."""
        prose = self._held
        for segment in segments:
            if segment.fixed:
                self._scan(prose, final=True)
                self._give(self._kept_apart(segment))
                prose = ""
                if not segment.text:
                    self._openings.clear()
                    self._bracketed = False
            else:
                prose += segment.text
        self._scan(prose, final=False)
        return self._certain()

    def _kept_apart(self, segment: Segment) -> Segment:
        """Code as it is, unless a renderer that pairs any two runs of backticks finds a link."""
        if self._bracketed and segment.span and "`" in segment.text.strip("`"):
            return segment._replace(text=segment.text.replace("](", "] ("))
        return segment

    def _certain(self) -> list[Segment]:
        count = self._openings[0].place if self._openings else len(self._out)
        certain, self._out = self._out[:count], self._out[count:]
        self._openings = [o._replace(place=o.place - count) for o in self._openings]
        return certain

    def _scan(self, text: str, *, final: bool) -> None:
        position, self._held = 0, ""
        if not text:
            return
        while token := _TOKEN.search(text, position):
            self._prose(text[position : token.start()])
            end = self._take(token, final=final)
            if end is None:
                self._held = text[token.start() :]
                return
            position = end
        self._prose(text[position:])

    def _take(self, token: re.Match[str], *, final: bool) -> int | None:
        """Where the text that this token settles ends; None if it settles nothing yet."""
        if token["close"] and self._openings:
            return self._close(token.string, token.end(), final=final)
        if token["tail"] and not final:
            return None
        bare = self._line.so_far
        if token["open"]:
            self._openings.append(_Opening(len(self._out), self._offset, bare))
            self._bracketed = True
        self._prose(token[0])
        self._defines = bool(token["close"]) or bare
        return token.end()

    def _close(self, text: str, end: int, *, final: bool) -> int | None:
        following = text[end : end + MOST_CHARS]
        target = _TARGET.match(following)
        undecided = not following or _MAYBE_TARGET.fullmatch(following)
        if undecided and not (target or final or len(following) == MOST_CHARS):
            return None
        opening = self._openings.pop()
        if target and self._resolve(opening, target["angled"] or target["plain"] or ""):
            return end + target.end()
        self._prose("]")
        self._defines = opening.bare
        return end

    def _resolve(self, opening: _Opening, url: str) -> bool:
        """Make a link or plain text of what is said since then; False if it stays as it is."""
        mark, said = self._out[opening.place].text, self._said(opening)
        if _CITATION.search(said):
            return False
        address = self._hosts.address(url) if mark == "[" and said else None
        if address and said == url:
            self._out[opening.place :] = []
        if address:
            link = f"<{address}>" if said == url else f"]({address})"
            self._give(Segment(link, fixed=True))
            self._openings.clear()  # no link in a link
            return True
        self._unmark(opening, said)
        place = "" if mark != "[" else place_of(url)
        if place and place not in said:
            self._prose(" (" if said else "(")
            self._give(Segment(f"`{place}`", fixed=True, span=True))
            self._prose(")")
        return True

    def _said(self, opening: _Opening) -> str:
        return "".join(segment.text for segment in self._out[opening.place + 1 :])

    def _unmark(self, opening: _Opening, said: str) -> None:
        exposes = not said or (opening.bare and opens_block(said[0]))
        self._out[opening.place] = Segment(NOTHING if exposes else "", fixed=False)
        if self._line.so_far:
            self._prose(NOTHING)

    def _prose(self, text: str) -> None:
        if text:
            if self._last == "]" and (text[0] == "(" or (text[0] == ":" and self._defines)):
                text = f" {text}"
            self._give(Segment(text, fixed=False))

    def _give(self, segment: Segment) -> None:
        self._out.append(segment)
        if segment.text:
            self._line.add(segment.text)
            self._last = segment.text[-1]
            self._offset += len(segment.text)
            if self._openings and self._offset - self._openings[0].offset > MOST_CHARS:
                self._openings.clear()
