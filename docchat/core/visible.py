"""Removes the characters that a reader does not see, where text can be smuggled in."""

import re

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0"
    "\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""The text without characters that nobody sees; every kind of line end becomes `\n`."""
    if _is_plain(text):
        return text
    return _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str, *, most: int) -> str:
    """The visible text in one line of at most `most` characters, the ellipsis aside."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= most else flat[:most].rsplit(" ", 1)[0] + " …"


def invisible_characters(text: str) -> int:
    """How many characters `visible` takes away, line ends aside."""
    return 0 if _is_plain(text) else len(_INVISIBLE.findall(text)) - text.count("\x85")


def _is_plain(text: str) -> bool:
    """Most texts are; to see it takes a twentieth of a search's time."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()
