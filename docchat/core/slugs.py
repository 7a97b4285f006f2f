"""Heading anchors, as each generator makes them from a heading's text."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from unicodedata import category

from docchat.core.models import MKDOCS, Dialect

_KEPT = {"Nd", "Nl", "Pc"}  # besides letters and marks
_PLAIN = re.compile(r"[a-z0-9_ -]*+")  # text in which every character is kept
_NUMBERED = re.compile(r"(.*)_([0-9]+)", re.DOTALL)


class Slugger:
    """Gives the headings of one page their anchors, in the order of the page.

    Args:
        dialect: whose rules.
        explicit: the anchors that the page's authors chose. MkDocs knows them before the first
            heading, Hugo as it comes to them, Docusaurus not at all.
    """

    def __init__(self, dialect: Dialect = Dialect.DOCUSAURUS, explicit: Iterable[str] = ()) -> None:
        self._dialect = dialect
        self._slugify = _SLUGIFY[dialect]
        self._seen: dict[str, int] = dict.fromkeys(explicit if self._is_mkdocs else (), 0)

    @property
    def _is_mkdocs(self) -> bool:
        return self._dialect in MKDOCS

    def explicit(self, anchor: str) -> str:
        """The anchor as it is, and taken from here on."""
        if self._dialect is not Dialect.DOCUSAURUS:
            self._seen.setdefault(anchor, 0)
        return anchor

    def slug(self, text: str) -> str:
        """The anchor of the next heading; a repeated one is numbered. A built page adds none."""
        if self._dialect is Dialect.HTML:
            return ""
        base = self._slugify(text)
        result = self._counted_in_name(base) if self._is_mkdocs else self._counted(base)
        self._seen[result] = 0
        return result

    def _counted(self, base: str) -> str:
        """`a`, `a-1`, `a-2`."""
        result = base
        while result in self._seen:
            self._seen[base] += 1
            result = f"{base}-{self._seen[base]}"
        return result

    def _counted_in_name(self, base: str) -> str:
        """`a`, `a_1`, `a_2`; a number that is there goes on: `step_2`, `step_3`."""
        if base and base not in self._seen:
            return base
        numbered = _NUMBERED.fullmatch(base)
        stem, number = (numbered[1], int(numbered[2])) if numbered else (base, 0)
        number = max(number, self._seen.get(base, 0))
        while (result := f"{stem}_{number + 1}") in self._seen:
            number += 1
        self._seen[base] = number  # the next equal heading need not count from the start
        return result


def slugify(text: str) -> str:
    """GitHub's and Docusaurus': lower-case, no punctuation, spaces as hyphens.

    What counts as punctuation follows github-slugger 2: all but letters, marks, decimal and
    letter numbers, connectors such as `_`, the hyphen and the space.
    """
    lower = text.lower()
    if not _PLAIN.fullmatch(lower):
        lower = "".join(filter(_is_kept, lower))
    return lower.replace(" ", "-")


def _is_kept(char: str) -> bool:
    kind = category(char)
    return kind[0] in "LM" or kind in _KEPT or char in "- "


def _python_markdown(text: str) -> str:
    """Of Python-Markdown's `toc`: only ASCII, and one hyphen for any gap."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return _hyphenated(plain)


def _python_markdown_unicode(text: str) -> str:
    """Of `toc` with `slugify_unicode`, and of pymdownx with `case: lower`."""
    return _hyphenated(unicodedata.normalize("NFKC", text))


def _hyphenated(text: str) -> str:
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def _hugo(text: str) -> str:
    """Of Hugo's default, `github`: letters, decimal digits and `_`; hyphens for spaces."""
    lower = text.strip().lower()
    kept = (c for c in lower if c in "-_ " or category(c)[0] == "L" or category(c) == "Nd")
    return "".join(kept).replace(" ", "-") or "heading"


_SLUGIFY: dict[Dialect, Callable[[str], str]] = {
    Dialect.DOCUSAURUS: slugify,
    Dialect.MKDOCS: _python_markdown,
    Dialect.MKDOCS_UNICODE: _python_markdown_unicode,
    Dialect.HUGO: _hugo,
    Dialect.HTML: slugify,
}
