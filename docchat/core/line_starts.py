"""What the start of a line means in Markdown: which block it goes on with, ends or opens."""

import re
from enum import Enum, auto

_QUOTE = 0  # a block quote among the containers; a list item is its width in columns
_MOST_CONTAINERS = 20
_CODE_INDENT = 4  # columns; from here on nothing opens a block but indented code

_STRUCTURE = re.compile(r"[ \t>*+\-_=#0-9.)]*+")
_MAYBE_FENCE = re.compile(r"`{1,2}|`{3,}[^`]*|~{1,2}|~{3,}.*")
_MAYBE_CLOSING = re.compile(r"[ \t>]*+(?:`*+|~*+)[ \t]*+")
_FENCE = re.compile(r"(`{3,}+)[^`]*$|(~{3,}+)")
_QUOTE_MARK = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,3}(?:[-*+]|[0-9]{1,9}[.)]))(?:( {1,4})(?=[^ ])| |$)")
_FIRST_ITEM = re.compile(r" {0,3}(?:[-*+]|0{0,8}1[.)]) +[^ ]")  # only these end a paragraph
_HEADING = re.compile(r"#{1,6}(?: |$)")
_BREAK = re.compile(r"([-*_])(?: *\1){2,} *$")
_UNDERLINE = re.compile(r"(?:=+|-+) *$")
_DELIMITER_ROW = re.compile(r"(?=.*[|:])\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$")  # GFM, "Tables"
_MAYBE_DELIMITER_ROW = re.compile(r"[-|: \t]*+")
_MAY_INTERRUPT = tuple("<[$:|{%!")  # a paragraph, where HTML or extensions are rendered


class Kind(Enum):
    """What a line is to the block before it."""

    CONTINUATION = auto()  # of a paragraph
    FENCED = auto()  # part of a fenced code block, its fences included
    DELIMITER_ROW = auto()  # may make a table of the line before
    NEW = auto()  # another block, or what is one to some renderers


class Blocks:
    """Follows the containers, fences and paragraphs of CommonMark (chapters 4 and 5)."""

    def __init__(self) -> None:
        self.given_up = False  # nothing is known of the rest of the text
        self.in_table = False  # to a renderer that knows tables
        self._containers: list[int] = []
        self._fence = ""  # the run that opened the block
        self._paragraph = False
        self._empty_item = False

    def undecided(self, start: str) -> bool:
        """Whether `begin` needs more of the line than `start`."""
        if self.given_up:
            return False
        if self._fence:
            if _MAYBE_CLOSING.fullmatch(start):
                return True
            if self._match(start)[1] == len(self._containers):
                return False
        rest = start[_end(_STRUCTURE, start) :]
        maybe = _MAYBE_FENCE.fullmatch(rest) or _MAYBE_DELIMITER_ROW.fullmatch(rest)
        return maybe is not None

    def give_up(self) -> None:
        """Take all that follows for text."""
        self.given_up = True

    def begin(self, line: str) -> Kind:
        """Go on to `line`, known at least as far as `undecided` asks."""
        if self.given_up:
            return Kind.CONTINUATION
        rest, matched = self._match(line)
        if matched < len(self._containers) and self._ambiguous(rest):
            self.give_up()
            return Kind.CONTINUATION
        if self._fence:
            if matched == len(self._containers):
                self._close_fence(rest)
                return Kind.FENCED
            self._fence = ""
        return self._open(rest, matched)

    def _match(self, line: str) -> tuple[str, int]:
        """What is left of the line behind the marks of open containers, and how many go on."""
        rest = line.rstrip("\n").expandtabs(_CODE_INDENT)
        blank = not rest.strip(" ")
        if blank and self._empty_item:
            self._containers.pop()
        self._empty_item = False
        for matched, width in enumerate(self._containers):
            if width == _QUOTE:
                end = _end(_QUOTE_MARK, rest)
                if not end:
                    return rest, matched
                rest = rest[end:]
            elif rest.strip(" ") and _indent(rest) < width:
                return rest, matched
            else:
                rest = rest[width:]
        return rest, len(self._containers)

    def _ambiguous(self, rest: str) -> bool:
        """Whether a line is so far indented that some renderers see no mark of a block in it."""
        mark = rest.lstrip(" ")[:1]
        return _indent(rest) >= _CODE_INDENT and (
            mark == ">" or (self._paragraph and mark != "" and not mark.isalpha())
        )

    def _close_fence(self, rest: str) -> None:
        run = rest.strip(" ")
        if _indent(rest) < _CODE_INDENT and run.startswith(self._fence) and not run.strip(run[0]):
            self._fence = ""

    def _open(self, rest: str, matched: int) -> Kind:
        rest, opened = self._new_containers(rest, matched)
        directly = not opened and matched == len(self._containers)
        indented = _indent(rest) >= _CODE_INDENT
        text = rest.strip(" ")
        fence = None if indented else _FENCE.match(text)
        lone = not indented and (_HEADING.match(text) or _BREAK.match(text))
        underline = self._paragraph and directly and not indented and _UNDERLINE.match(text)
        if text and self._paragraph and not (opened or fence or lone or underline):
            return self._go_on(rest)  # lazily, perhaps: then the containers stay open
        self.in_table = False
        self._containers = self._containers[:matched] + opened
        self._paragraph = bool(text) and not (indented or fence or lone or underline)
        self._empty_item = bool(opened) and opened[-1] != _QUOTE and not text
        if len(self._containers) > _MOST_CONTAINERS:
            self.give_up()
        elif fence:
            return self._open_fence(fence, text)
        return Kind.DELIMITER_ROW if _DELIMITER_ROW.match(text) else Kind.NEW

    def _open_fence(self, fence: re.Match[str], text: str) -> Kind:
        if "|" in text:
            self.give_up()  # the head of a table to some renderers
            return Kind.NEW
        self._fence = fence[1] or fence[2]
        return Kind.FENCED

    def _go_on(self, rest: str) -> Kind:
        """What a line is that goes on with a paragraph, or with a table."""
        if _DELIMITER_ROW.match(rest.strip(" ")):
            self.in_table = True
            return Kind.DELIMITER_ROW
        if self.in_table and _ITEM.match(rest):
            self.give_up()  # a list after a table, but not after a paragraph
        ends = self.in_table or rest.lstrip(" ").startswith(_MAY_INTERRUPT)
        return Kind.NEW if ends else Kind.CONTINUATION

    def _new_containers(self, rest: str, matched: int) -> tuple[str, list[int]]:
        opened: list[int] = []
        in_paragraph = self._paragraph and matched == len(self._containers)
        while len(opened) <= _MOST_CONTAINERS:
            if end := _end(_QUOTE_MARK, rest):
                width = _QUOTE
            elif (item := _ITEM.match(rest)) and not _BREAK.match(rest.strip(" ")):
                if in_paragraph and not opened and not _FIRST_ITEM.match(rest):
                    break
                width = end = len(item[1]) + len(item[2] or " ")
            else:
                break
            opened.append(width)
            rest = rest[end:]
        return rest, opened


def _end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
