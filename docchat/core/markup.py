"""What is left of markup in prose: HTML, character references, bare addresses, lone backticks.

Renderers differ in what they make of these. Here they are written so that none makes a tag, a
link, a hidden character or code of them.
"""

import html
import re
from collections.abc import Iterable, Sequence
from functools import reduce

from docchat.core.code_spans import Segment
from docchat.core.hosts import Hosts
from docchat.core.visible import visible

MOST_CHARS = 500
"""The longest address that is held back; the rest of a longer one is plain text."""

_IN_URL = r"[^\s<>\[\]|*`]"
_IN_DOMAIN = r"[^\s<>\[\]()|*`@,;:!?\"']"
_HTTP = ("h", "t", "t", "p", "s?", r"\\?", ":", r"\\?", "/", r"\\?", "/")  # perhaps escaped
_FTP = tuple("ftp://")
_WWW = ("w", "w", "w", r"\\?", r"\.")
_STARTS = "|".join(map("".join, (_HTTP, _FTP, _WWW)))
_TOKEN = re.compile(
    r"(?=[hfw/\\@<&`])(?:"  # nothing else begins one; most characters are none of these
    rf"(?P<url>(?:{_STARTS}|(?<![:/])\\?/\\?/(?=[\w-]{{1,63}}\.\w)){_IN_URL}{{0,{MOST_CHARS}}}+)"
    rf"|(?P<at>\\?@)(?P<domain>{_IN_DOMAIN}{{0,200}}\.[\w-]{{1,63}})"
    rf"|(?P<auto><(?P<address>[a-z][a-z0-9+.-]{{1,31}}:[^\s<>`\[\]]{{0,{MOST_CHARS}}})>)"
    r"|(?P<tag><(?=[a-z/!?]))"
    r"|(?P<entity>&(?:#\w{1,8}|[a-z]\w{1,31});)"
    r"|(?P<ticks>`++)"
    r"|\\[!-/:-@\[-`{-~])",
    re.IGNORECASE,
)


def _begun(parts: Sequence[str]) -> str:
    """A pattern of the beginnings of a text that is made of these parts."""
    return parts[0] + reduce(lambda rest, part: f"(?:{part}{rest})?", parts[:0:-1], "")


_INCOMPLETE = re.compile(
    rf"(?:{'|'.join(map(_begun, (_HTTP, _FTP, _WWW)))}|\\?/(?:\\?/)?[\w-]{{0,63}}\.?"
    rf"|(?:{_STARTS}|\\?/\\?/[\w-]{{1,63}}\.){_IN_URL}{{0,{MOST_CHARS - 1}}}"
    rf"|\\?@{_IN_DOMAIN}{{0,265}}"
    rf"|<(?:[a-z][a-z0-9+.-]{{0,31}}(?::[^\s<>`\[\]]{{0,{MOST_CHARS}}})?)?"
    r"|&#?\w{0,32}"
    r"|\\)\Z",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"[hfwHFW/\\@<&]")  # all that `_INCOMPLETE` matches
_LONGEST = MOST_CHARS + 100  # characters of what it matches
_LINE_END = re.compile(r"\n(?:[ \t]*>)*")  # in a code span it is a space, in every quote alike
_TRAILING = re.compile(r"[?!.,:;'\"_~\\]+\Z")
_ENDS_A_SENTENCE = re.compile(r"[.,;:!?)]*")
_ANOTHER = re.compile(r"//|@|www\.", re.IGNORECASE)
_PART_OF_MARKUP = re.compile(r"[A-Za-z0-9:./@\\\[\]\u3010\u3011\uff3b\uff3d-]")


class MarkupFilter:
    """The last filter: what it gives out is the visitor's text."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._held = ""
        self._last = ""
        self._out: list[str] = []

    def take(self, segments: Iterable[Segment]) -> str:
        """What these segments make certain; the end of a block lets everything out."""
        self._out = []
        prose = self._held
        for segment in segments:
            if segment.fixed:
                self._scan(prose, following=segment.text[:1])
                text = _LINE_END.sub(" ", segment.text) if segment.span else segment.text
                self._give(text, span=segment.span)
                prose = ""
            else:
                prose += segment.text
        self._scan(prose)
        return "".join(self._out)

    def _scan(self, prose: str, following: str | None = None) -> None:
        """Give out prose; `following` is the character behind it if no more prose comes."""
        text, position = self._last + prose, len(self._last)
        certain = len(text) if following is not None else _certain(text, position)
        while (token := _TOKEN.search(text, position)) and token.start() < certain:
            self._give(text[position : token.start()])
            position = self._take(token, following)
            if certain < position:
                certain = _certain(text, position)
        self._give(text[position:certain])
        self._held = text[certain:]

    def _take(self, token: re.Match[str], following: str | None) -> int:
        """Give out what this token becomes; returns where it ends."""
        if token["url"]:
            return self._url(token, following=following)
        if token["domain"] and token["domain"] not in self._hosts:
            self._give(token["at"])
            self._code(token["domain"])
        elif token["auto"] and self._hosts.address(token["address"]) != token["address"]:
            self._code(token["address"])
        elif token["tag"]:
            self._give("&lt;")
        elif token["ticks"]:
            self._give("\\`" * len(token[0]))
        elif token["entity"] and not _is_harmless(html.unescape(token[0])):
            self._give(f"&amp;{token[0][1:]}")
        else:
            self._give(token[0])
        return token.end()

    def _url(self, token: re.Match[str], *, following: str | None) -> int:
        url = _trimmed(token["url"])
        behind, rest = token["url"][len(url) :], token.string[token.end() :]
        after = rest[:1] or following
        plain = _ENDS_A_SENTENCE.fullmatch(behind) and (not after or after.isspace())
        if not self._hosts.address(url) or after == "]":
            self._code(url)
        elif plain and not _ANOTHER.search(url, len("https://")):
            self._give(url)
        else:
            self._give(f"<{url}>", span=True)
        return token.start() + len(url)

    def _code(self, text: str) -> None:
        self._give(f"`{text}`", span=True)

    def _give(self, text: str, *, span: bool = False) -> None:
        if text:
            if span and self._last in ("`", "\\"):
                self._out.append(" ")  # else two spans would become one, or none
            self._out.append(text)
            self._last = text[-1]


def _certain(text: str, position: int) -> int:
    """Up to where `text` has nothing that more text would change."""
    word = max(text.rfind(" "), text.rfind("\n")) + 1  # nothing of it has white space
    may_begin = _BEGINS.search(text, max(position, word, len(text) - _LONGEST))
    begun = may_begin and _INCOMPLETE.search(text, may_begin.start())
    return begun.start() if begun else len(text)


def _trimmed(url: str) -> str:
    """The address without the punctuation behind it, as GFM has it."""
    while True:
        url = _TRAILING.sub("", url)
        if not url.endswith(")") or url.count(")") <= url.count("("):
            return url
        url = url[:-1]


def _is_harmless(character: str) -> bool:
    """Whether a character reference shows itself and is no part of a link or of a citation."""
    return not _PART_OF_MARKUP.search(character) and visible(character) == character
