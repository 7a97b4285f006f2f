"""Which calls fail: the nth, the next few, all, or some by chance."""

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

F = TypeVar("F")


@dataclass(slots=True)
class _Rule(Generic[F]):
    pattern: str
    fault: F
    after: int
    times: int | None
    probability: float
    dice: random.Random

    def strikes(self) -> bool:
        """Whether this call, which the pattern fits, is one of those that fail; counts it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times == 0 or self.dice.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Plan(Generic[F]):
    """Which calls fail, and how. The first rule that strikes wins."""

    def __init__(self) -> None:
        self._rules: list[_Rule[F]] = []

    def add(
        self,
        pattern: str,
        fault: F,
        *,
        after: int = 0,
        times: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Plan a fault.

        Args:
            pattern: the method's name, with `*` and `?` as in a shell.
            fault: what happens.
            after: calls that still go well; the nth call alone is `after=n - 1, times=1`.
            times: how many calls fail; None: every one from then on.
            probability: of each call's failing; the rest go well and do not count as one.
            seed: of the dice; the same seed throws the same calls.
        """
        dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
        rule = _Rule(pattern, fault, after, times, probability, dice)
        self._rules = [*self._rules, rule]

    def take(self, name: str) -> F | None:
        """The fault of this call, if it has one; each call asks once."""
        for rule in self._rules:
            if fnmatchcase(name, rule.pattern) and rule.strikes():
                return rule.fault
        return None

    def clear(self) -> None:
        """From now on all goes well."""
        self._rules = []

    def pending(self) -> list[str]:
        """The patterns of the rules that can still strike."""
        return [rule.pattern for rule in self._rules if rule.times != 0]
