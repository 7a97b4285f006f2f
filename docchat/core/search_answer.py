"""Search results in place of an answer: the pages that come nearest, as a list with links."""

from collections.abc import Sequence

from docchat.core.models import Event, Finish, Outcome, Passage, Usage
from docchat.core.output_filter import OutputFilter
from docchat.core.visible import one_line

_MOST = 5
_TITLE_CHARS = 200

OVER_BUDGET = "I cannot write an answer right now, but these pages may help:"
SEARCH_ONLY = "These pages may help:"
ONE_WORD = "Could you tell me a little more about what you want to know? These pages mention it:"


def search_answer(passages: Sequence[Passage], intro: str) -> list[Event]:
    """A `degraded` answer that names up to five places, best first, each once."""
    places = {passage.chunk.url: passage for passage in reversed(passages)}
    best = [passage for passage in passages if places[passage.chunk.url] is passage][:_MOST]
    lines = [f"- {_title(passage)} [{n}]" for n, passage in enumerate(best, start=1)]
    shown = OutputFilter(best)  # a title is no more trusted than the rest of its page
    text = "\n".join([f"{intro}\n", *lines])
    return [*shown.feed(text), *shown.close(), Finish(Outcome.DEGRADED, Usage())]


def _title(passage: Passage) -> str:
    chunk = passage.chunk
    return one_line(" › ".join((chunk.title, *chunk.heading_path)), most=_TITLE_CHARS)
