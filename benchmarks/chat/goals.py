"""docchat's figures by its peers', beside what they should be."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.chat.candidates import (
    BARE,
    EMBEDDED,
    FLOOR,
    HEALTH,
    HELLO,
    LANGCHAIN,
    LLAMAINDEX,
    REMOTE,
    SEED,
)
from benchmarks.chat.results import Results, shown

OURS = (EMBEDDED, REMOTE)

Limits = tuple[float, float]
"""With the embedded index, with the remote one."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure and what its ratios should be.

    Attributes:
        title: of its rows.
        figure: as `Results` names it.
        limits: by the peer's name; the plain-HTTP floor has none, it is only shown.
        most: whether a ratio may be at most its limit, not at least.
        ours: whose figures these are.
    """

    title: str
    figure: str
    limits: Mapping[str, Limits]
    most: bool = True
    ours: tuple[str, str] = OURS

    def met(self, ratios: Sequence[float], limit: float) -> bool:
        """Whether the median is on the right side."""
        ratio = statistics.median(ratios)
        return ratio <= limit if self.most else ratio >= limit


def _peers(seed: Limits, langchain: Limits, llamaindex: Limits) -> dict[str, Limits]:
    return {SEED: seed, LANGCHAIN: langchain, LLAMAINDEX: llamaindex}


GOALS = (
    Goal("start → listening", "listening_ms", {HELLO: (1.15, 1.15)}),
    Goal("start → first health", "health_ms", {HELLO: (1.25, 1.25)}),
    Goal("the same, health function", "health_ms", {HELLO: (1.25, 1.25)}, ours=(HEALTH, HEALTH)),
    Goal(
        "start → first token",
        "token_ms",
        {HELLO: (3.5, 4.5), **_peers((0.45, 0.60), (0.35, 0.45), (0.23, 0.30))},
    ),
    Goal("CPU per streamed answer", "cpu_ms", _peers((0.60, 0.65), (0.35, 0.40), (0.45, 0.50))),
    Goal(
        "answers/s at 80, no delay at Gemini",
        "per_s",
        _peers((2.0, 1.8), (2.7, 2.4), (2.2, 2.0)),
        most=False,
    ),
    Goal(
        "first token beyond the model's 300 ms at 80",
        "over_ms_at_80",
        {SEED: (0.55, 0.65), LANGCHAIN: (0.30, 0.35)},
    ),
    Goal("memory after load", "pss_mib", _peers((0.95, 0.95), (0.75, 0.75), (0.50, 0.50))),
    Goal("500 streams: first token, p99", "first_p99_ms", {BARE: (1.5, 1.5)}),
)
_WORKERS = Goal("answers/s with two workers", "two_workers_per_s", {}, most=False)
_TWO_BY_ONE = 1.7

Row = tuple[str, str, str, str, str, str]
HEADINGS: Row = ("figure", "against", EMBEDDED, "goal", REMOTE, "goal")


def rows(results: Results) -> list[Row]:
    """A row for each figure and peer, the ratio's median and spread beside the goal."""
    made = [row for goal in GOALS for row in _rows(goal, results)]
    made += [_workers(results), _failures(results)]
    return [row for row in made if {row[2], row[4]} != {"–"}]


def _rows(goal: Goal, results: Results) -> list[Row]:
    made: list[Row] = []
    for peer, limits in goal.limits.items():
        ratios = [results.ratios(one, peer, goal.figure) for one in goal.ours]
        one, other = (_cell(goal, r, limit) for r, limit in zip(ratios, limits, strict=True))
        made.append((goal.title, peer, *one, *other))
    embedded, remote = (shown(results.ratios(one, FLOOR, goal.figure), 2) for one in goal.ours)
    return [*made, (goal.title, FLOOR, embedded, "–", remote, "–")]


def _workers(results: Results) -> Row:
    ratios = [results.ratios(one, one, _WORKERS.figure, "one_worker_per_s") for one in OURS]
    one, other = (_cell(_WORKERS, ratio, _TWO_BY_ONE) for ratio in ratios)
    return (_WORKERS.title, "one worker", *one, *other)


def _failures(results: Results) -> Row:
    one, other = (_failed(results.of(one, "failed")) for one in OURS)
    return ("500 streams: failed", "–", *one, *other)


def _failed(counts: Sequence[float]) -> tuple[str, str]:
    return (f"{sum(counts):.0f}", f"{'✗' if sum(counts) else '✓'} 0") if counts else ("–", "0")


def _cell(goal: Goal, ratios: Sequence[float], limit: float) -> tuple[str, str]:
    sign = f"{'≤' if goal.most else '≥'} {limit:.2f}"
    if not ratios:
        return "–", sign
    return shown(ratios, 2), f"{'✓' if goal.met(ratios, limit) else '✗'} {sign}"
