"""Heading anchors, as GitHub and Docusaurus make them."""

from unicodedata import category

_KEPT = {"Nd", "Nl", "Pc"}  # besides letters and marks


class Slugger:
    """Gives the headings of one page their anchors, in the order of the page."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def slug(self, text: str) -> str:
        """The anchor of the next heading; a repeated one gets `-1`, `-2`, ..."""
        base = result = slugify(text)
        while result in self._seen:
            self._seen[base] += 1
            result = f"{base}-{self._seen[base]}"
        self._seen[result] = 0
        return result


def slugify(text: str) -> str:
    """Lower-case, no punctuation, spaces as hyphens.

    What counts as punctuation follows github-slugger 2: all but letters, marks, decimal and
    letter numbers, connectors such as `_`, the hyphen and the space.
    """
    return "".join(filter(_is_kept, text.lower())).replace(" ", "-")


def _is_kept(char: str) -> bool:
    kind = category(char)
    return kind[0] in "LM" or kind in _KEPT or char in "- "
