"""What the log says, counted: everything that the report shows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from docchat.core.language import KNOWN, language_of
from docchat.core.models import Outcome
from scripts.reporting.asked import FAILED, Asked, Log, is_hash
from scripts.reporting.gaps import Gap, Gaps
from scripts.reporting.pages import Pages, Place
from scripts.reporting.periods import Period, periods

OUTCOMES = (
    Outcome.ANSWERED,
    Outcome.PARTIAL,
    Outcome.NOT_FOUND,
    Outcome.DEGRADED,
    Outcome.REFUSED,
    FAILED,
)
"""In the order in which they are shown: from good to bad."""

_WITH_CITATIONS = frozenset({Outcome.ANSWERED, Outcome.PARTIAL})
_FEWEST = 2  # values that quantiles can be taken of
_MOST_WORDINGS = 5
_MOST_PAGES = 3


@dataclass(frozen=True, slots=True)
class PageUse:
    """How often answers cite a page, and what visitors thought of those answers."""

    place: Place
    cited: int
    up: int
    down: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A gap for the reader.

    Attributes:
        title: the most typical question; empty where the log has none.
        others: some of the other wordings.
        asked: how many questions.
        closest: the pages that the chat named.
        trend: questions in each period.
        last: when it was last asked.
    """

    title: str
    others: tuple[str, ...]
    asked: int
    closest: tuple[Place, ...]
    trend: tuple[int, ...]
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Findings:
    """The whole report, in numbers and questions.

    Attributes:
        outcomes: questions by outcome.
        unanswered: questions that the docs did not answer.
        problems: failed questions by what they failed with.
        periods: the same over time; empty where the log has no times.
        gaps: what the docs do not answer, the most asked first.
        alone: unanswered questions that nobody else asked.
        cited: the pages that answers cite most.
        disliked: the pages whose answers got a thumb down, the worst first.
        thumbs: up and down.
        languages: questions by language; "" where it is not clear.
        first_event_ms: the median wait for the first words and the 95th percentile.
        notes: what the log could not tell.
    """

    questions: int
    first: datetime | None
    last: datetime | None
    outcomes: dict[str, int]
    unanswered: int
    problems: dict[str, int]
    periods: list[Period]
    gaps: list[Shown]
    alone: int
    cited: list[PageUse]
    disliked: list[PageUse]
    thumbs: dict[str, int]
    languages: dict[str, int]
    cost_usd: float
    tokens: int
    turned_away: int
    first_event_ms: tuple[int, int] | None
    notes: list[str]

    def share(self, *outcomes: str) -> float:
        """Of all questions, from 0 to 1."""
        return sum(self.outcomes.get(name, 0) for name in outcomes) / self.questions


def findings(log: Log, found: Gaps, pages: Pages, notes: Sequence[str], *, most: int) -> Findings:
    """Count; `most` gaps and pages at most are kept in each list."""
    asked = log.questions
    times = sorted(one.time for one in asked if one.time)
    over_time = periods(asked)
    uses = _uses(asked, pages)
    counted = Counter(one.outcome for one in asked)
    return Findings(
        questions=len(asked),
        first=times[0] if times else None,
        last=times[-1] if times else None,
        outcomes={name: counted[name] for name in OUTCOMES if counted[name]},
        unanswered=sum(one.unanswered for one in asked),
        problems=_counted(one.problem for one in asked if one.outcome == FAILED),
        periods=over_time,
        gaps=[_shown(gap, pages, over_time) for gap in found.groups[:most]],
        alone=found.alone,
        cited=sorted(uses, key=lambda use: -use.cited)[:most],
        disliked=sorted((use for use in uses if use.down), key=_dislike)[:most],
        thumbs={name: sum(one.thumb == name for one in asked) for name in ("up", "down")},
        languages=_counted(_language(one) for one in asked if one.text and not one.hashed),
        cost_usd=sum(one.cost_usd for one in asked),
        tokens=sum(one.tokens for one in asked),
        turned_away=log.turned_away,
        first_event_ms=_wait(asked),
        notes=list(notes),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _language(one: Asked) -> str:
    return language_of(one.text, KNOWN) or ""


def _uses(asked: Iterable[Asked], pages: Pages) -> list[PageUse]:
    """Only what an answer cites: the pages that are named where nothing was found are guesses."""
    citing: dict[str, list[Asked]] = {}
    for one in asked:
        if one.outcome in _WITH_CITATIONS:
            for path in dict.fromkeys(map(pages.page_of, one.cited)):
                citing.setdefault(path, []).append(one)
    return [_use(pages.place(path), those) for path, those in citing.items()]


def _use(place: Place, citing: Sequence[Asked]) -> PageUse:
    thumbs = Counter(one.thumb for one in citing)
    reasons = Counter(one.reason for one in citing if one.thumb == "down" and one.reason)
    given = tuple(reason for reason, _ in reasons.most_common())
    return PageUse(place, len(citing), thumbs["up"], thumbs["down"], given)


def _dislike(use: PageUse) -> tuple[int, float]:
    return -use.down, use.up / use.down


def _shown(gap: Gap, pages: Pages, over_time: Sequence[Period]) -> Shown:
    texts = tuple(text for text in gap.wordings if not is_hash(text))
    times = sorted(one.time for one in gap.asked if one.time)
    return Shown(
        title=texts[0] if texts else "",
        others=texts[1 : 1 + _MOST_WORDINGS],
        asked=len(gap.asked),
        closest=tuple(map(pages.place, gap.closest[:_MOST_PAGES])),
        trend=tuple(sum(period.has(time) for time in times) for period in over_time),
        last=times[-1] if times else None,
    )


def _wait(asked: Iterable[Asked]) -> tuple[int, int] | None:
    waits = [one.first_event_ms for one in asked if one.first_event_ms is not None]
    if len(waits) < _FEWEST:
        return None
    cuts = quantiles(waits, n=20)
    return round(cuts[9]), round(cuts[18])
