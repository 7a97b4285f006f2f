"""What becomes of questions in the whole chat flow: outcomes and citations."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urldefrag

from docchat import answering
from docchat.answering import Policy
from docchat.clients import Clients
from docchat.core.models import Finish, Outcome, Sources, Trace
from docchat.deadlines import TimeLimits
from docchat.limits import TokenBudget
from docchat.retries import RetryBudget
from docchat.upstream import Upstream
from scripts.evaluation.questions import Query
from scripts.evaluation.rankers import Docchat
from scripts.evaluation.sets import Collection
from scripts.evaluation.spaces import Chat


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question."""

    query: Query
    cites_relevant: bool
    outcome: Outcome


async def answers(collection: Collection, searching: Docchat, chat: Chat) -> list[Answered]:
    """Every question of the collection through the chat flow.

    Raises:
        ServiceError: an answer failed.
    """
    clients = Clients(searching.embedder, searching.store, chat.generator, TokenBudget(0))
    path_of = {page.url: page.path for page in collection.pages}

    async def connect(refused: Clients | None = None) -> Clients:
        return refused or clients  # a run does not outlive its keys

    found = []
    for query in collection.queries:
        upstream = Upstream(connect, TimeLimits(), RetryBudget())
        urls, outcome = await _answer(query, upstream, chat.policy)
        cited = {path_of.get(url) or path_of[urldefrag(url).url] for url in urls}
        found.append(Answered(query, bool(cited & query.relevant), outcome))
    return found


async def _answer(query: Query, upstream: Upstream, policy: Policy) -> tuple[list[str], Outcome]:
    urls: list[str] = []
    outcome = Outcome.PARTIAL
    async for event in answering.answer(query.question, upstream, policy, Trace()):
        if isinstance(event, Sources):
            urls += [source.url for source in event.sources]
        if isinstance(event, Finish):
            outcome = event.outcome
    return urls, outcome


def tally(answered: Sequence[Answered]) -> dict[str, float]:
    """Shares of the answerable questions, and of the others."""
    known = [one for one in answered if one.query.answerable]
    others = [one for one in answered if not one.query.answerable]
    declined = Outcome.NOT_FOUND
    shares = {
        "cites a relevant page": [one.cites_relevant for one in known],
        "wrongly declined": [one.outcome is declined for one in known],
        "rightly declined": [one.outcome is declined for one in others],
    }
    return {name: sum(hits) / len(hits) for name, hits in shares.items() if hits}
