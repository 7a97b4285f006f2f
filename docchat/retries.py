"""Whether a call that failed is made again, and when."""

import asyncio
import random
from collections.abc import Callable

from docchat.deadlines import Deadline
from docchat.errors import ServiceError

_JITTER_S = (0.1, 0.8)
_REQUESTS_A_RETRY = 10


class RetryBudget:
    """One retry for every ten requests of the process, so that retries never become the load.

    With an upstream that fails every call, clients that retry freely ask three times as often as
    usual, which keeps it down. The 10 % are the SRE book's (chapter 21, "Handling Overload").

    Args:
        in_hand: retries that can be saved up, and with which a process starts: few requests
            would otherwise earn too little to be retried at all.
    """

    def __init__(self, in_hand: int = 10) -> None:
        # Counted in requests: ten times a tenth is not one.
        self._most = in_hand * _REQUESTS_A_RETRY
        self._earned = self._most

    def earn(self) -> None:
        """Count a request."""
        self._earned = min(self._earned + 1, self._most)

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._earned < _REQUESTS_A_RETRY:
            return False
        self._earned -= _REQUESTS_A_RETRY
        return True


class Retries:
    """One request's retries, over all of its calls.

    Attributes:
        made: how many there were.
    """

    def __init__(
        self,
        budget: RetryBudget,
        deadline: Deadline,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Counts the request.

        Args:
            budget: the process's.
            deadline: a wait that would go beyond it is not begun.
            uniform: a random number between two.
        """
        budget.earn()
        self._budget = budget
        self._deadline = deadline
        self._uniform = uniform
        self.made = 0

    async def wait(self, failure: ServiceError) -> None:
        """Return when the call that failed may be made again.

        Random waits keep callers that failed together from coming back together.

        Raises:
            ServiceError: the failure itself, when there is no further attempt.
        """
        wait_s = max(self._uniform(*_JITTER_S), failure.wait_s or 0.0)
        worth_it = self.made < failure.retries and wait_s < self._deadline.left()
        if not (worth_it and self._budget.spend()):
            raise failure
        self.made += 1
        await asyncio.sleep(wait_s)
