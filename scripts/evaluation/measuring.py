"""What a ranker makes of a collection's questions, question by question."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urldefrag

from docchat.answering import PASSAGES
from docchat.core.markdown import sections
from docchat.core.models import Page, Passage
from docchat.core.ranking import within_budget
from scripts.evaluation.metrics import holds, ranking_scores
from scripts.evaluation.questions import Query
from scripts.evaluation.rankers import Ranker
from scripts.evaluation.sets import Collection

CONTEXT_CHARS = 8000
PAGES = "page@8k"
"""The share of the relevant pages of which a passage is in the context of 8,000 characters."""

SECTION = "sec@8k"
"""Whether a passage of a relevant section is in it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One question's figures.

    Attributes:
        query: the question.
        cosine: of the nearest passage.
        scores: by the measure's name; none where nothing answers the question.
    """

    query: Query
    cosine: float
    scores: dict[str, float]


async def measure(
    ranker: Ranker, collection: Collection, done: Callable[[int], None]
) -> list[Measured]:
    """Ask every question of the collection."""
    wanted = _section_texts(collection)
    measured = []
    for query in collection.queries:
        found = await ranker(query.question)
        scores = _scores(query, found.passages, wanted) if query.answerable else {}
        measured.append(Measured(query, found.best_cosine, scores))
        done(1)
    return measured


def _scores(query: Query, passages: Sequence[Passage], wanted: dict[str, str]) -> dict[str, float]:
    ranked = dict.fromkeys(passage.chunk.path for passage in passages)
    context = within_budget(passages[:PASSAGES], max_chars=CONTEXT_CHARS)
    shown = {passage.chunk.path for passage in context}
    scores = ranking_scores(tuple(ranked), query.relevant)
    scores[PAGES] = len(shown & query.relevant) / len(query.relevant)
    if places := [place for place in query.places if place in wanted]:
        scores[SECTION] = float(any(_is_in(place, wanted[place], context) for place in places))
    return scores


def _is_in(place: str, text: str, context: Iterable[Passage]) -> bool:
    page = urldefrag(place).url
    return any(p.chunk.path == page and holds(p.chunk.text, text) for p in context)


def _section_texts(collection: Collection) -> dict[str, str]:
    """The text below the heading of each place that a question names."""
    pages = {page.path: page for page in collection.pages}
    places = {place for query in collection.queries for place in query.places}
    texts = {}
    for place in places:
        path, anchor = urldefrag(place)
        if text := _section_text(pages[path], anchor):
            texts[place] = text
    return texts


def _section_text(page: Page, anchor: str) -> str:
    found = sections(page.body, title=page.title, dialect=page.dialect)
    path = next((s.heading_path for s in found if s.anchor == anchor), None)
    if path is None:
        return ""
    return "\n\n".join(s.text for s in found if s.heading_path[: len(path)] == path)
