"""Model tokens per day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Account:
    """What one UTC day has cost."""

    day: date
    spent: int = 0
    reserved: int = 0


class Reservation:
    """Tokens set aside for one answer, on the account of the day on which it began.

    One that is never settled (the task was cancelled, the usage never arrived) stays
    reserved until midnight: it counts in full, since nobody knows what it cost.
    """

    def __init__(self, tokens: int, account: _Account) -> None:
        self.tokens = tokens
        self._account: _Account | None = account
        account.reserved += tokens

    def settle(self, used: int) -> None:
        """Put what was used in the place of what was reserved, even if it is more: it is spent.

        Raises:
            RuntimeError: it was settled before.
        """
        account, self._account = self._account, None
        if account is None:
            raise RuntimeError("a reservation is settled once")
        account.reserved -= self.tokens
        account.spent += used


class TokenBudget:
    """Model tokens for one UTC day, reserved before an answer and settled after it.

    `spent + reserved` never exceeds the budget as long as no answer uses more than was
    reserved for it: reserve the most it can use. Best effort: an instance knows its own
    share alone (see `share`), and one that restarts has forgotten what it spent.

    Args:
        per_day: tokens from midnight to midnight; 0 for no limit (they are still counted).
        now: the time in UTC. Set back over midnight, it does not reopen the day before.
    """

    def __init__(self, per_day: int, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._per_day = per_day
        self._now = now
        self._account = _Account(now().date())

    def reserve(self, tokens: int) -> Reservation | None:
        """Set tokens aside; None, with nothing set aside, if that could exceed the budget."""
        account = self._today()
        if self._per_day and account.spent + account.reserved + tokens > self._per_day:
            return None
        return Reservation(tokens, account)

    @property
    def spent(self) -> int:
        """Tokens that today's settled answers used."""
        return self._today().spent

    @property
    def reserved(self) -> int:
        """Tokens set aside for answers that began today and are not settled."""
        return self._today().reserved

    def _today(self) -> _Account:
        today = self._now().date()
        if today > self._account.day:
            self._account = _Account(today)
        return self._account


def share(daily_budget: int, max_instances: int) -> int:
    """One instance's part of the budget, rounded down; 0, for no limit, stays 0.

    A positive budget leaves at least 1, too little for any answer: 0 would lift the limit.
    """
    return max(1, daily_budget // max_instances) if daily_budget else 0
