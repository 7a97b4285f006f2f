"""Time in pieces: hours, days or weeks, so that a plot has neither two bars nor two hundred."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scripts.reporting.asked import Asked

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
_HOURS_UNTIL, _DAYS_UNTIL = timedelta(days=2), timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Period:
    """An hour, a day or a week (from Monday), in UTC.

    Attributes:
        outcomes: questions by outcome.
        cost_usd: of their answers.
    """

    start: datetime
    length: timedelta
    outcomes: dict[str, int]
    cost_usd: float

    @property
    def questions(self) -> int:
        """How many were asked."""
        return sum(self.outcomes.values())

    @property
    def name(self) -> str:
        """For an axis."""
        return f"{self.start:%H:%M}" if self.length == _HOUR else f"{self.start:%-d %b}"

    def has(self, time: datetime) -> bool:
        """Whether the time is in it."""
        return self.start <= time < self.start + self.length


def periods(asked: Sequence[Asked]) -> list[Period]:
    """From the first question to the last, without a break; none where the log has no times."""
    timed = [(one.time, one) for one in asked if one.time]
    if not timed:
        return []
    first, last = min(time for time, _ in timed), max(time for time, _ in timed)
    length = _length(last - first)
    start = _start(first, length)
    inside: list[list[Asked]] = [[] for _ in range((last - start) // length + 1)]
    for time, one in timed:
        inside[(time - start) // length].append(one)
    return [
        Period(
            start + n * length,
            length,
            dict(Counter(one.outcome for one in those)),
            sum(one.cost_usd for one in those),
        )
        for n, those in enumerate(inside)
    ]


def _length(span: timedelta) -> timedelta:
    if span < _HOURS_UNTIL:
        return _HOUR
    return _DAY if span < _DAYS_UNTIL else _WEEK


def _start(first: datetime, length: timedelta) -> datetime:
    hour = first.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    monday = day - timedelta(days=day.weekday())
    return {_HOUR: hour, _DAY: day, _WEEK: monday}[length]
