"""Search results in place of an answer: the pages that come nearest, as a list with links."""

from collections.abc import Sequence

from docchat.core.citations import source_of
from docchat.core.models import Event, Finish, Outcome, Passage, Sources, TextDelta, Usage

_MOST = 5

OVER_BUDGET = "I cannot write an answer right now, but these pages may help:"
SEARCH_ONLY = "These pages may help:"
ONE_WORD = "Could you tell me a little more about what you want to know? These pages mention it:"


def search_answer(passages: Sequence[Passage], intro: str) -> list[Event]:
    """A `degraded` answer that names up to five places, best first, each once."""
    places = {passage.chunk.url: passage for passage in reversed(passages)}
    best = [passage for passage in passages if places[passage.chunk.url] is passage][:_MOST]
    sources = tuple(source_of(n, passage) for n, passage in enumerate(best, start=1))
    lines = "\n".join(f"- {source.title} [{source.n}]" for source in sources)
    return [
        Sources(sources),
        TextDelta(f"{intro}\n\n{lines}"),
        Finish(Outcome.DEGRADED, Usage()),
    ]
