"""What becomes of questions in the whole chat flow: outcomes, citations, and what they support."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag

from docchat import answering
from docchat.answering import Policy
from docchat.clients import Clients
from docchat.core.models import Chunk, Finish, Outcome, Source, Sources, TextDelta, Trace
from docchat.deadlines import TimeLimits
from docchat.limits import TokenBudget
from docchat.retries import RetryBudget
from docchat.upstream import Upstream
from scripts.evaluation.judge import judged
from scripts.evaluation.metrics import Estimate, estimate
from scripts.evaluation.questions import Query
from scripts.evaluation.rankers import Docchat
from scripts.evaluation.sets import Collection
from scripts.evaluation.spaces import Chat
from scripts.evaluation.support import support

PAGE = "cites a relevant page"
PRECISION = "citation precision"
RECALL = "citation recall"
SUPPORT = "words in its sources"
JUDGED = "supported, by the judge"
WRONGLY = "wrongly declined"
RIGHTLY = "rightly declined"

_ANSWERS = {Outcome.ANSWERED, Outcome.PARTIAL}

MEASURES = (PAGE, PRECISION, RECALL, SUPPORT, JUDGED, WRONGLY, RIGHTLY)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question.

    Attributes:
        query: the question.
        outcome: how the answer ended.
        cited: the cited places as `path#anchor`, in order.
        scores: by the measure's name, each from 0 to 1.
    """

    query: Query
    outcome: Outcome
    cited: tuple[str, ...]
    scores: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        asked = self.query.question.text
        return {"question": asked, "outcome": self.outcome, "cited": self.cited} | self.scores


@dataclass(slots=True)
class _Said:
    text: str = ""
    sources: list[Source] = field(default_factory=list)
    outcome: Outcome = Outcome.PARTIAL


async def answers(
    collection: Collection, searching: Docchat, chat: Chat, done: Callable[[int], None]
) -> list[Answered]:
    """Every question of the collection through the chat flow.

    Raises:
        ServiceError: an answer failed.
    """
    clients = Clients(searching.embedder, searching.store, chat.generator, TokenBudget(0))
    chunk_of = {chunk.id: chunk for chunk in collection.chunks()}

    async def connect(refused: Clients | None = None) -> Clients:
        return refused or clients  # a run does not outlive its keys

    found = []
    for query in collection.queries:
        upstream = Upstream(connect, TimeLimits(), RetryBudget())
        said = await _answer(query, upstream, chat.policy)
        chunks = {source.n: chunk_of[source.chunk_id] for source in said.sources}
        passages = {n: chunk.text for n, chunk in chunks.items()}
        cited = tuple(_place(chunk) for chunk in chunks.values())
        scores = scored(query, said.outcome, cited)
        if said.outcome in _ANSWERS:
            scores |= await _held_against(query, said.text, passages, chat)
        found.append(Answered(query, said.outcome, cited, scores))
        done(1)
    return found


async def _answer(query: Query, upstream: Upstream, policy: Policy) -> _Said:
    said = _Said()
    async for event in answering.answer(query.question, upstream, policy, Trace()):
        match event:
            case TextDelta():
                said.text += event.text
            case Sources():
                said.sources += event.sources
            case Finish():
                said.outcome = event.outcome
    return said


def _place(chunk: Chunk) -> str:
    anchor = urldefrag(chunk.url).fragment
    return f"{chunk.path}#{anchor}" if anchor else chunk.path


async def _held_against(
    query: Query, text: str, passages: Mapping[int, str], chat: Chat
) -> dict[str, float]:
    shares = support(text, passages)
    scores = {} if shares is None else {SUPPORT: shares}
    if chat.judge is not None and passages:
        asked = query.question.text
        verdict = await judged(chat.judge, asked, text, list(passages.values()))
        scores |= {} if verdict is None else {JUDGED: verdict}
    return scores


def scored(query: Query, outcome: Outcome, cited: Sequence[str]) -> dict[str, float]:
    """Whether it was right to decline, and how good the citations are.

    Citations are held against the headings that answer, where the question names them, and
    against pages where it does not. Places that are listed in place of an answer are not citations.
    """
    declined = outcome is Outcome.NOT_FOUND
    if not query.answerable:
        return {RIGHTLY: float(declined)}
    cited = cited if outcome in _ANSWERS else ()
    exact = {place.partition("#")[0] for place in query.places}
    wanted = {*query.places, *(query.relevant - exact)}
    named = [place if _page(place) in exact else _page(place) for place in cited]
    scores = {
        WRONGLY: float(declined),
        PAGE: float(any(_page(place) in query.relevant for place in cited)),
        RECALL: len(wanted & set(named)) / len(wanted),
    }
    if named:
        scores[PRECISION] = sum(place in wanted for place in named) / len(named)
    return scores


def _page(place: str) -> str:
    return place.partition("#")[0]


def tally(answered: Sequence[Answered]) -> dict[str, Estimate]:
    """Each measure over the questions that have it."""
    values = {name: [a.scores[name] for a in answered if name in a.scores] for name in MEASURES}
    return {name: estimate(scores) for name, scores in values.items() if scores}
