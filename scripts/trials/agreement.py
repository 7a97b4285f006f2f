"""How far groups of questions agree with what the questions were made from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

_HALF = 0.5


class Share(NamedTuple):
    """So many of so many."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """From 0 to 1; nothing of nothing is all."""
        return self.right / self.of if self.of else 1.0

    def plus(self, other: "Share") -> "Share":
        """Both together."""
        return Share(self.right + other.right, self.of + other.of)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of groups with labels.

    Attributes:
        found: planted labels of which one group has at least half, and which are half of it.
        precision: pairs in a group that have the same label.
        recall: pairs with the same label that are in a group.
    """

    found: Share
    precision: Share
    recall: Share

    def plus(self, other: "Agreement") -> "Agreement":
        """Of both."""
        return Agreement(
            self.found.plus(other.found),
            self.precision.plus(other.precision),
            self.recall.plus(other.recall),
        )

    def __str__(self) -> str:
        """As a line of figures."""
        found = f"{self.found.right}/{self.found.of}"
        return f"{found:>5} {self.precision.value:9.3f} {self.recall.value:6.3f}"


NONE = Agreement(Share(0, 0), Share(0, 0), Share(0, 0))
"""Of nothing."""


def agreement(
    groups: Sequence[Sequence[str]], labels: Sequence[str], planted: Iterable[str]
) -> Agreement:
    """Compare.

    Args:
        groups: the labels of each group's members.
        labels: of everything that could be grouped.
        planted: the labels that ought to be found.
    """
    inside = [Counter(group) for group in groups]
    everything = Counter(labels)
    together = sum(_pairs(counts) for counts in inside)
    wanted = list(planted)
    found = sum(
        any(
            counts[label] >= _HALF * everything[label] and counts[label] >= _HALF * counts.total()
            for counts in inside
            if counts[label]
        )
        for label in wanted
    )
    return Agreement(
        Share(found, len(wanted)),
        Share(together, sum(comb(len(group), 2) for group in groups)),
        Share(together, _pairs(everything)),
    )


def _pairs(counts: Counter[str]) -> int:
    return sum(comb(count, 2) for count in counts.values())
