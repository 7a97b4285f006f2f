"""How long one answer may take: in all, to its first piece, and for each call behind it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from docchat.errors import UpstreamTimeout

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds.

    Attributes:
        answer: from the request's arrival to the end of its answer.
        first_token: from the start of the work to the first event that the caller gets.
        embed: one embedding call.
        search: one search.
        generate: from asking the model to its first piece.
        idle: between two pieces of the model.
    """

    answer: float = 55.0
    first_token: float = 12.0
    embed: float = 3.0
    search: float = 2.0
    generate: float = 8.0
    idle: float = 15.0


class Deadline:
    """One answer's clock: the first event has a deadline of its own, then the whole counts."""

    def __init__(
        self,
        limits: TimeLimits,
        *,
        waited_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts the clock.

        Args:
            limits: the site's.
            waited_s: how long the request has been here already.
            clock: seconds that never go back.
        """
        now = clock()
        self._clock = clock
        self._answer_by = now - waited_s + limits.answer
        self._by = min(now + limits.first_token, self._answer_by)
        self.begun = False

    def begin(self) -> None:
        """The caller gets its first event: from now on the deadline is the whole answer's."""
        self.begun = True
        self._by = self._answer_by

    def left(self) -> float:
        """Seconds; negative when the deadline has passed."""
        return self._by - self._clock()

    async def wait(self, work: Awaitable[T], what: str, limit_s: float) -> T:
        """The result of the work, which is cancelled when it takes too long.

        Args:
            work: a call to an upstream.
            what: names it in the log.
            limit_s: its own limit; what is left of the answer's counts as well.

        Raises:
            UpstreamTimeout: one of the two is over.
        """
        seconds = min(limit_s, self.left())
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError as exc:
            raise UpstreamTimeout(f"{what}: nothing within {max(seconds, 0.0):.3g} s") from exc
