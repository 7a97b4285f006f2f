"""How an index run waits for upstreams that have had enough: nobody waits for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from docchat.errors import ServiceError, UpstreamBusy

T = TypeVar("T")

_LONGEST_WAIT_S = 60.0  # a quota is most often one of requests or tokens a minute
_FIRST_WAIT_S = 1.0
_MOST_TRIES = 4
_JITTER = 0.25


class Patience:
    """One run's: a quota that one call runs into is waited out by all of them.

    Args:
        quota_s: how long one call may be put off in all for want of quota.
    """

    def __init__(self, quota_s: float = 1800.0) -> None:
        self._quota_s = quota_s
        self._resume_at = 0.0

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call gives, made again while that makes sense.

        Raises:
            ServiceError: what the last try failed with.
        """
        tries, waited_s = 0, 0.0
        while True:
            await self._quiet()
            try:
                return await call()
            except ServiceError as failure:
                tries += 1
                wait_s = self._wait_s(failure, tries, waited_s)
                if wait_s is None:
                    raise
                waited_s += wait_s
                if _is_quota(failure):
                    self._hold(wait_s)
            await asyncio.sleep(wait_s)

    def _wait_s(self, failure: ServiceError, tries: int, waited_s: float) -> float | None:
        """Seconds until the next try; None when there is none."""
        if _is_quota(failure):
            wait_s = _spread(failure.wait_s or min(_doubling(tries), _LONGEST_WAIT_S))
            return wait_s if waited_s + wait_s <= self._quota_s else None
        if not failure.retries or tries >= _MOST_TRIES:
            return None
        return _spread(_doubling(tries))

    def _hold(self, wait_s: float) -> None:
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + wait_s)

    async def _quiet(self) -> None:
        await asyncio.sleep(self._resume_at - asyncio.get_running_loop().time())


def _doubling(tries: int) -> float:
    return _FIRST_WAIT_S * (1 << min(tries - 1, 10))


def _spread(wait_s: float) -> float:
    """Callers that were refused together do not come back together."""
    return wait_s * random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret


def _is_quota(failure: ServiceError) -> bool:
    """Out of quota or overloaded, in contrast to: nobody answers at all."""
    return isinstance(failure, UpstreamBusy) and failure.reason == UpstreamBusy.reason
