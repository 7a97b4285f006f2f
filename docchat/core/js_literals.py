"""Reads object literals out of JavaScript or TypeScript, without running it."""

import re
from collections.abc import Iterator

Value = str | float | bool | list["Value"] | dict[str, "Value"] | None
"""What a literal says; None for whatever only running the code could tell."""

_MAX_DEPTH = 30
_GAP = re.compile(r"(?:\s++|//[^\n]*+|/\*(?:.*?\*/|.*+))*+", re.DOTALL)
_STRING = re.compile(
    r"'((?:[^'\\\n]|\\.)*+)'|\"((?:[^\"\\\n]|\\.)*+)\"|`((?:[^`\\$]|\\.|\$(?!\{))*+)`"
)
_KEY = re.compile(r"([\w$]++)|'([^'\n]*+)'|\"([^\"\n]*+)\"")
_WORD = re.compile(r"[\w$.+-]++")
_AFTER_VALUE = re.compile(r"(?=[,\]};)\n]|$|as\b|satisfies\b)")
_SKIPPED = re.compile(
    r"'(?:[^'\\\n]|\\.)*+'|\"(?:[^\"\\\n]|\\.)*+\"|`(?:[^`\\]|\\.)*+`"
    r"|//[^\n]*+|/\*(?:.*?\*/|.*+)|[\[{(]|[\]})]|[,;]|[^'\"`/\[{(\]}),;]++|.",
    re.DOTALL,
)
_OBJECT = re.compile(
    r"//[^\n]*+|/\*(?:.*?\*/|.*+)"
    r"|(?P<opening>\bmodule\.exports\s*=|\bexport\s+default|\breturn"
    r"|\b(?:const|let|var)\s[^={}\n]{1,200}=)\s*(?=\{)",
    re.DOTALL,
)
_CONSTANTS = {"true": True, "false": False}


def objects(source: str) -> Iterator[dict[str, Value]]:
    """The objects that the source assigns, returns or exports, in its order."""
    reader = _Reader(source, 0)
    while reader.to_next_object():
        value = reader.value(0)
        if isinstance(value, dict):
            yield value


class _Reader:
    def __init__(self, source: str, at: int) -> None:
        self._source = source
        self._at = at

    def to_next_object(self) -> bool:
        """Go to the next object that is assigned, returned or exported; False without one."""
        for found in _OBJECT.finditer(self._source, self._at):
            if found["opening"]:
                self._at = found.end()
                return True
        return False

    def value(self, depth: int) -> Value:
        """The value that begins here; afterwards the place is behind it."""
        self._gap()
        start = self._at
        value = self._literal(depth)
        self._gap()
        if value is None or not _AFTER_VALUE.match(self._source, self._at):
            self._at = start if value is None else self._at
            self._skip()
            return None
        if self._peek() not in ",]}":
            self._skip()  # `as const`
        return value

    def _literal(self, depth: int) -> Value:
        if depth > _MAX_DEPTH:
            return None
        if self._peek() == "{":
            return self._object(depth)
        if self._peek() == "[":
            return self._list(depth)
        if string := self._take(_STRING):
            return re.sub(r"\\(.)", r"\1", next(g for g in string.groups() if g is not None))
        word = self._take(_WORD)
        return _constant(word[0]) if word else None

    def _object(self, depth: int) -> Value:
        found: dict[str, Value] = {}
        self._at += 1
        while self._more("}"):
            key = self._take(_KEY)
            self._gap()
            if key and self._peek() == ":":
                self._at += 1
                found[key[1] or key[2] or key[3] or ""] = self.value(depth + 1)
            else:
                self._skip()  # a spread, a method, a shorthand, a computed key
        return found

    def _list(self, depth: int) -> Value:
        found: list[Value] = []
        self._at += 1
        while self._more("]"):
            found.append(self.value(depth + 1))
        return found

    def _more(self, end: str) -> bool:
        """Whether another entry begins; passes commas, and the end."""
        self._gap()
        while self._peek() == ",":
            self._at += 1
            self._gap()
        if self._peek() in ("", *"]})"):
            self._at += self._peek() == end
            return False
        return True

    def _skip(self) -> None:
        """To the comma or bracket that ends this entry."""
        depth = 0
        while token := _SKIPPED.match(self._source, self._at):
            if not depth and token[0] in (",", "]", "}", ")"):
                return
            depth += (token[0] in "[{(") - (token[0] in "]})")
            self._at = token.end()

    def _gap(self) -> None:
        if gap := _GAP.match(self._source, self._at):
            self._at = gap.end()

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._source, self._at)
        self._at = found.end() if found else self._at
        return found


def _constant(word: str) -> Value:
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    return float(word) if re.fullmatch(r"[+-]?\d{1,15}(?:\.\d{1,15})?", word) else None
