"""Drops and counts the text that a page's source holds and its reader never sees."""

import re

from docchat.core.code_lifting import lift_code
from docchat.core.inline import TAG
from docchat.core.visible import invisible_characters, visible

_STYLE = re.compile(r"(?<![\w-])style\s*=\s*[\"'{][^<>]*?display\s*:\s*[\"']?none\b", re.IGNORECASE)
_BRACED = r"\{(?!\s*false)(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\}"
_VALUE = re.compile(rf"=\s*(?:\"[^\"]*+\"|'[^']*+'|{_BRACED})|{_BRACED}")
_HIDDEN = re.compile(r"(?<![\w-])hidden(?![\w-]|\s*=\s*\{\s*false)", re.IGNORECASE)
_MAY_HIDE = ("display", "hidden")
_MAY_BE_DROPPED = ("<!--", "{/*", "<script", "<style")
_EMPTY = {"br", "hr", "img", "input", "wbr", "col", "source", "embed", "track", "link", "meta"}


def without_hidden(prose: str) -> str:
    """Drop the elements with `display: none` or `hidden`, and all that they hold.

    One that is never closed hides the rest of the page, as in a browser.
    """
    if not _holds(prose, _MAY_HIDE):
        return prose
    kept, at, name, depth = [], 0, "", 0
    for tag in TAG.finditer(prose):
        if not depth and _hides(tag):
            kept.append(prose[at : tag.start()])
            name, depth = tag["name"].lower(), 1
        elif depth and tag["name"].lower() == name and not tag["empty"]:
            depth += -1 if tag["close"] else 1
            at = tag.end()
    return "".join(kept) if depth else "".join([*kept, prose[at:]])


def _hides(tag: re.Match[str]) -> bool:
    if tag["close"] or tag["empty"] or tag["name"].lower() in _EMPTY:
        return False
    attributes = tag["attributes"]
    return bool(_STYLE.search(attributes) or _HIDDEN.search(_VALUE.sub(" ", attributes)))


def _holds(text: str, words: tuple[str, ...]) -> bool:
    lower = text.lower()
    return any(word in lower for word in words)


def hidden_characters(body: str) -> int:
    """How many characters nobody sees: comments, scripts, hidden elements, invisible ones."""
    invisible = invisible_characters(body)
    if not _holds(body, _MAY_HIDE + _MAY_BE_DROPPED):
        return invisible
    lifted = lift_code(visible(body))
    elements = len(lifted.prose) - len(without_hidden(lifted.prose))
    return invisible + lifted.dropped + elements
