"""Places in the docs in place of an answer: the nearest ones, as a list with links."""

import re
from collections.abc import Iterable, Sequence

from docchat.core.ground import Ground
from docchat.core.models import Event, Finish, Outcome, Passage, TextDelta, Usage
from docchat.core.output_filter import OutputFilter
from docchat.core.visible import one_line

_MOST = 5
_CLOSEST = 3
_TITLE_CHARS = 200
_LIKE_A_CITATION = re.compile(r"\[([^\]]*\d)\]")  # as in `Array[2]`


def search_answer(ground: Ground, intro: str) -> list[Event]:
    """A `degraded` answer that names up to five places, best first, each once."""
    places = _first_of_each((passage.chunk.url, passage) for passage in ground.passages)
    return [*_listed(places[:_MOST], intro, ground), Finish(Outcome.DEGRADED, Usage())]


def not_found(ground: Ground, usage: Usage, *, after_text: bool = False) -> list[Event]:
    """What is said when the docs do not cover the question: so, and the closest three pages.

    Args:
        ground: the nearest passages, best first; there may be none.
        usage: of a model that was asked.
        after_text: whether the visitor has read something before.
    """
    pages = _first_of_each((passage.chunk.path, passage) for passage in ground.passages)[:_CLOSEST]
    opening = "\n\n" * after_text + ground.wording.not_found
    intro = f"{opening} {ground.wording.closest}"
    said = _listed(pages, intro, ground) if pages else [TextDelta(opening)]
    return [*said, Finish(Outcome.NOT_FOUND, usage)]


def _first_of_each(passages: Iterable[tuple[str, Passage]]) -> list[Passage]:
    """The first passage of each place."""
    first: dict[str, Passage] = {}
    for place, passage in passages:
        first.setdefault(place, passage)
    return list(first.values())


def _listed(passages: Sequence[Passage], intro: str, ground: Ground) -> list[Event]:
    lines = [f"- {_title(passage)} [{n}]" for n, passage in enumerate(passages, start=1)]
    # The owner's words may link where the owner lets answers link; a title is no more
    # trusted than the rest of its page.
    shown = OutputFilter(passages, ground.link_hosts)
    text = "\n".join([f"{intro}\n", *lines])
    return [*shown.feed(text), *shown.close()]


def _title(passage: Passage) -> str:
    chunk = passage.chunk
    title = one_line(" › ".join((chunk.title, *chunk.heading_path)), most=_TITLE_CHARS)
    return _LIKE_A_CITATION.sub(r"(\1)", title)
