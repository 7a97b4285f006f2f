"""What a way of cutting pages is."""

from collections.abc import Callable
from typing import NamedTuple


class Piece(NamedTuple):
    """A piece of a page, and the text of which its vector is made."""

    text: str
    embedded: str


Cut = Callable[[str, str], list[Piece]]
"""A page's path (or "") and its text → its pieces, in order."""
