"""Questions about a site, and where its pages answer them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from docchat.core.markdown import headings
from docchat.core.models import Page, Question, Role, Turn
from docchat.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Query:
    """A question and what answers it.

    Attributes:
        question: what is asked, with its history.
        relevant: paths of the pages that answer it; none when nothing does.
        places: those of the `path#anchor` that are known more exactly.
        kind: a word to group questions by.
    """

    question: Question
    relevant: frozenset[str]
    places: tuple[str, ...] = ()
    kind: str = ""

    @property
    def answerable(self) -> bool:
        """Whether anything in the collection answers it."""
        return bool(self.relevant)


def questions(file: Path, pages: Sequence[Page]) -> list[Query]:
    """The questions of a JSONL file about these pages.

    A line has `question`, `relevant` (a page's path or URL, with or without an anchor; none
    where `answerable` is false), and maybe `history` and `kind`.

    Raises:
        Misconfigured: a line is no question, or names a page or an anchor that is not there.
    """
    known = {page.path: page for page in pages} | {page.url: page for page in pages}
    found = []
    for number, row in enumerate(rows(file), start=1):
        try:
            found.append(_query(row, known))
        except (KeyError, TypeError, AttributeError) as exc:
            raise Misconfigured(f"{file}, line {number}: {exc} is missing or unknown") from exc
    return found


def foreign_questions(file: Path) -> list[Query]:
    """The questions of a file that are about nothing that a documentation site covers."""
    return [_query(row, {}) for row in rows(file) if row.get("kind") == "foreign"]


def turns(said: Sequence[Mapping[str, str]]) -> tuple[Turn, ...]:
    """A conversation, oldest turn first."""
    return tuple(Turn(Role(turn["role"]), turn["content"]) for turn in said)


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file."""
    with file.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _query(row: dict[str, Any], known: Mapping[str, Page]) -> Query:
    asked, kind = Question(row["question"], turns(row.get("history", ()))), row.get("kind", "")
    if not row.get("answerable", True):
        return Query(asked, frozenset(), kind=kind)
    named = [urldefrag(place) for place in row["relevant"]]
    places = tuple(_place(known[page], anchor) for page, anchor in named if anchor)
    return Query(asked, frozenset(known[page].path for page, _ in named), places, kind)


def _place(page: Page, anchor: str) -> str:
    place = f"{page.path}#{anchor}"
    if anchor not in {heading.anchor for heading in headings(page.body, page.dialect)}:
        raise KeyError(place)
    return place
