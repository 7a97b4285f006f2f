"""What was measured: every figure of every round, so that ratios are of the same minute."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class Results:
    """One run.

    Attributes:
        made: the day.
        command: what was typed.
        machine: what it ran on.
        figures: candidate → figure → one value a round.
    """

    made: str
    command: str
    machine: str
    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, candidate: str, figures: dict[str, float]) -> None:
        """Note what one round showed of a candidate."""
        known = self.figures.setdefault(candidate, {})
        for name, value in figures.items():
            known.setdefault(name, []).append(value)

    def of(self, candidate: str, figure: str) -> Sequence[float]:
        """Each round's value; none where it was not measured."""
        return self.figures.get(candidate, {}).get(figure, [])

    def ratios(
        self, candidate: str, other: str, figure: str, other_figure: str = ""
    ) -> list[float]:
        """The candidate's value by the other's, round by round."""
        pairs = zip(
            self.of(candidate, figure), self.of(other, other_figure or figure), strict=False
        )
        return [one / another for one, another in pairs if another]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote."""
        return cls(**json.loads(path.read_text()))


def shown(values: Sequence[float], digits: int = 0) -> str:
    """The median, and in brackets the least and the greatest."""
    if not values:
        return "–"
    figures = statistics.median(values), min(values), max(values)
    middle, least, most = (f"{figure:,.{digits}f}" for figure in figures)
    return f"{middle} ({least}–{most})"
