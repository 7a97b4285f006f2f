"""Keeps text that is left out at the start of a line from making the rest open a block."""

import re

NOTHING = "\u00a0"
"""Stands where something was left out: a space to a reader, no white space to Markdown."""

_BARE = re.compile(r"[ \t>*+\-_=#0-9.)]*+")  # a line so far that may still open a block
_OPENS_BLOCK = frozenset(" \t\n>*+-_=#0123456789.)`~<|:")


class BareLine:
    """Follows the current line as it is given out."""

    def __init__(self) -> None:
        self.so_far = True
        """Whether the line has only what may stand before a block's mark, or be one."""

    def add(self, text: str) -> None:
        """Go on to this text."""
        if text and (self.so_far or "\n" in text):
            self.so_far = _BARE.fullmatch(text, text.rfind("\n") + 1) is not None


def opens_block(following: str) -> bool:
    """Whether this character may open a block, or be a part of what does, on a bare line."""
    return following in _OPENS_BLOCK
