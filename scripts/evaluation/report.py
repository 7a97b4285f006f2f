"""Figures for a person and for a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from scripts.console import say
from scripts.evaluation.answers import Answered, tally
from scripts.evaluation.measuring import PAGES, SECTION, Measured
from scripts.evaluation.metrics import Estimate, difference, estimate
from scripts.evaluation.refusals import Refusals, refusals
from scripts.evaluation.sets import SITES

MEASURES = ("hit@1", "hit@5", "hit@10", "recall@5", "MRR@10", "nDCG@10", PAGES, SECTION)
_WRONGLY_REFUSED = 0.05  # the share of answerable questions that a threshold may cost

_TOGETHER = {
    "redux, karpenter, tseslint": ("redux", "karpenter", "tseslint"),
    "all five sites": tuple(SITES),
    "both conversation sets": ("clapnq", "fiqa"),
}
"""Collections whose questions are also counted together."""

_GAINS = ("recall@5", "MRR@10", PAGES)
_PLOTTED = "MRR@10"
_WIDTH = 40

Figures = dict[str, Estimate]
Results = Mapping[str, Sequence[Measured]]
"""What each system makes of one and the same set of questions."""


def figures(measured: Sequence[Measured]) -> Figures:
    """Each measure over the questions that have it."""
    found = {}
    for name in MEASURES:
        values = [one.scores[name] for one in measured if name in one.scores]
        if values:
            found[name] = estimate(values)
    return found


def gains(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Figures:
    """Our figures minus theirs, paired by question."""
    found = {}
    for name in MEASURES:
        pairs = [
            (one.scores[name], other.scores[name])
            for one, other in zip(ours, theirs, strict=True)
            if name in one.scores
        ]
        if pairs:
            found[name] = difference([a for a, _ in pairs], [b for _, b in pairs])
    return found


@dataclass(slots=True)
class Report:
    """What was measured: by set, then by system, question by question.

    Attributes:
        ours: the system that the others are compared with.
        embedder: the embedding model's name.
        measured: the questions.
        answered: the questions that went through the whole chat flow, by set.
    """

    ours: str
    embedder: str
    measured: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    answered: dict[str, list[Answered]] = field(default_factory=dict)

    def add(self, collection: str, system: str, measured: list[Measured]) -> None:
        """What one system makes of one collection."""
        self.measured.setdefault(collection, {})[system] = measured

    def sets(self) -> dict[str, dict[str, list[Measured]]]:
        """The collections, and those that count together where all of them were measured."""
        found = dict(self.measured)
        for name, parts in _TOGETHER.items():
            if found.keys() >= set(parts):
                found[name] = {
                    system: [one for part in parts for one in self.measured[part][system]]
                    for system in self.measured[parts[0]]
                }
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything; a figure is its mean, the two ends of its interval, and n."""
        return {
            "embedder": self.embedder,
            "sets": {name: self._set(rows) for name, rows in self.sets().items()},
            "answers": {
                name: {"figures": tally(rows), "questions": [row.as_json() for row in rows]}
                for name, rows in self.answered.items()
            },
        }

    def _set(self, rows: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
        ours = rows[self.ours]
        return {
            "figures": {system: figures(measured) for system, measured in rows.items()},
            f"gain of {self.ours}": {
                system: gains(ours, measured)
                for system, measured in rows.items()
                if system != self.ours
            },
            "refusals": refused._asdict() if (refused := _refused(ours)) else None,
        }

    def show(self, console: Console) -> None:
        """Tables and plots, set by set."""
        for name, rows in self.sets().items():
            _show_set(f"{name}, {self.embedder}", rows, console)
            if len(rows) > 1:
                _show_gains(name, self.ours, rows, console)
            if refused := _refused(rows[self.ours]):
                say(console, f"{name}, below {refused.threshold:.3f}: {refused.sentence()}")
        for name, answered in self.answered.items():
            _show_answers(name, answered, console)


def _show_set(name: str, results: Results, console: Console) -> None:
    rows = {system: figures(measured) for system, measured in results.items()}
    table = _table(f"{name}: {max(row[_PLOTTED].n for row in rows.values())} questions", MEASURES)
    for system, row in rows.items():
        table.add_row(system, *(_shown(row[m]) if m in row else "" for m in MEASURES))
    console.print(table)
    for system, row in rows.items():
        say(console, f"{system:>24} {_bar(row[_PLOTTED])}")


def _show_gains(name: str, ours: str, results: Results, console: Console) -> None:
    table = _table(f"{name}: gain of {ours} over", _GAINS)
    for system, measured in results.items():
        if system != ours:
            row = gains(results[ours], measured)
            table.add_row(system, *(_signed(row[m]) if m in row else "" for m in _GAINS))
    console.print(table)


def _show_answers(name: str, answered: Sequence[Answered], console: Console) -> None:
    table = _table(f"{name}: {len(answered)} answers", ("share", "95 %", "questions"))
    for measure, share in tally(answered).items():
        table.add_row(measure, _shown(share), f"{share.low:.3f} to {share.high:.3f}", str(share.n))
    console.print(table)


def _table(title: str, measures: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for measure in measures:
        table.add_column(measure, no_wrap=True)
    return table


def _refused(measured: Sequence[Measured]) -> Refusals | None:
    return refusals(measured, lost=_WRONGLY_REFUSED)


def _shown(value: Estimate) -> str:
    return f"{value.mean:.3f}"


def _signed(value: Estimate) -> str:
    return f"{value.mean:+.3f} [{value.low:+.3f}, {value.high:+.3f}]".replace("0.", ".")


def _bar(value: Estimate) -> str:
    """The mean and its interval on a line from 0 to 1."""
    low, mean, high = (round(x * (_WIDTH - 1)) for x in (value.low, value.mean, value.high))
    marks = ["─" if low <= at <= high else "·" for at in range(_WIDTH)]
    marks[mean] = "●"
    return f"{''.join(marks)} {_PLOTTED} {value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"
