"""The model's own word that the passages do not answer."""

import re
from functools import reduce

from docchat.core.prompt import NOT_IN_DOCS

_SHORT_CHARS = 120
_LEAST_CUT = 4  # characters of the sentinel by which a cut-off one is known
_MARKS = r"\"'`*_\[\](){}\u2018-\u201f\u00ab\u00bb"  # quotes, emphasis and brackets
_WORD = NOT_IN_DOCS.replace("_", r"\\?_")  # Markdown may escape the underscores
_CUT = reduce(lambda rest, part: f"(?:{part}{rest})?", re.findall(r"\\\\\?_|.", _WORD)[::-1], "")
_SENTINEL = re.compile(rf"(?P<marks>[{_MARKS}]{{1,4}})?+{_WORD}(?(marks)[{_MARKS}]{{0,4}}+)")
_BEGUN = re.compile(rf"[{_MARKS}]{{0,4}}(?P<word>{_WORD}[{_MARKS}]{{0,4}}|{_CUT})\\?\Z")
_MOST_BEGUN = len(_WORD) + 9
_LEAD = re.compile(rf"[\s>#+{_MARKS}-]{{0,40}}")  # nothing said yet
_CITATION = re.compile(r"[\[\u3010\uff3b][^\]\u3011\uff3d]*\d")


class AbstentionDetector:
    """Keeps the sentinel from the visitor and tells whether it declares that nothing was found.

    The sentinel counts with the quotes or emphasis around it and, at the very end, also cut off
    after four characters or more. It is never passed on. It declares at the start of the answer
    (white space and marks in front of it are not passed on either), or behind no more than
    120 characters without a citation (which were passed on by then); nothing behind it is passed
    on. Later in an answer, or behind a citation, it says that the docs cover only a part: it is
    left out, and `declared` stays False.

    `declared` is None while the answer may still declare.
    """

    def __init__(self) -> None:
        self.declared: bool | None = None
        self._held = ""
        self._said = ""  # the beginning of what was passed on
        self._last = ""  # its last character

    def feed(self, text: str) -> str:
        """What of the text so far may be passed on now."""
        return self._pass_on(self._held + text, final=False)

    def close(self) -> str:
        """The text held back, once no more can come."""
        text = self._pass_on(self._held, final=True)
        self.declared = bool(self.declared)
        return text

    def _pass_on(self, text: str, *, final: bool) -> str:
        said, position, self._held = "", 0, ""
        for sentinel in _SENTINEL.finditer(text):
            if self.declared:
                break
            if sentinel["marks"] and sentinel.end() == len(text) and not final:
                break
            said += self._say(self._without_lead(text[position : sentinel.start()]))
            said += self._leave_out()
            position = sentinel.end()
        return said if self.declared else said + self._rest(text[position:], final=final)

    def _rest(self, text: str, *, final: bool) -> str:
        """Pass on what cannot belong to a sentinel, as far as is known."""
        begun = _BEGUN.search(text, max(0, len(text) - _MOST_BEGUN))
        if begun is None or (final and len(begun["word"]) < _LEAST_CUT):
            return self._say(text)
        before = self._without_lead(text[: begun.start()])
        if final:
            return self._say(before) + self._leave_out()
        self._held = text[len(before) :]
        return self._say(before)

    def _without_lead(self, before: str) -> str:
        return before if self._last or not _LEAD.fullmatch(before) else ""

    def _leave_out(self) -> str:
        """Decide what a sentinel says; a space keeps apart what it stood between."""
        self.declared = self.declared is None
        return "" if self.declared or self._last.isspace() else self._say(" ")

    def _say(self, text: str) -> str:
        self._last = text[-1:] or self._last
        if self.declared is None:
            self._said += text[: _SHORT_CHARS + 1]
            if len(self._said) > _SHORT_CHARS or _CITATION.search(self._said):
                self.declared = False
        return text
