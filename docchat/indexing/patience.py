"""How an index run waits for upstreams that fail for a while: nobody waits for it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from docchat.errors import MOST_RETRIES, ServiceError, UpstreamBadResponse, UpstreamBusy

T = TypeVar("T")

_LONGEST_QUOTA_WAIT_S = 60.0  # a quota is most often one of requests or tokens a minute
_LONGEST_WAIT_S = 10.0
_FIRST_WAIT_S = 1.0
_JITTER = 0.25

_log = logging.getLogger(__name__)


class Patience:
    """One run's: a quota that one call runs into is waited out by all of them.

    Args:
        failing_s: how long after its first failure a call is still made again.
        quota_s: the same for want of quota.
    """

    def __init__(self, failing_s: float = 60.0, quota_s: float = 1800.0) -> None:
        self._most_s = {False: failing_s, True: quota_s}
        self._resume_at = 0.0

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call gives, made again while that makes sense.

        Raises:
            ServiceError: what the last try failed with.
        """
        tries, since = 0, dict[bool, float]()
        while True:
            await self._quiet()
            try:
                return await call()
            except ServiceError as failure:
                tries, quota, now = tries + 1, _is_quota(failure), _now()
                wait_s = _wait_s(failure, tries, quota=quota)
                failing_s = now - since.setdefault(quota, now)
                if wait_s is None or failing_s + wait_s > self._most_s[quota]:
                    raise
                _log.warning("%s; trying again in %.0f s", failure, wait_s)
                if quota:
                    self._resume_at = max(self._resume_at, now + wait_s)
            await asyncio.sleep(wait_s)

    async def _quiet(self) -> None:
        await asyncio.sleep(self._resume_at - _now())


def _wait_s(failure: ServiceError, tries: int, *, quota: bool) -> float | None:
    """Seconds until the next try; None when there is none."""
    if quota:
        return _spread(failure.wait_s or min(_doubling(tries), _LONGEST_QUOTA_WAIT_S))
    useless = isinstance(failure, UpstreamBadResponse) and failure.retries < MOST_RETRIES
    if not failure.retries or (useless and tries > failure.retries):
        return None
    return _spread(min(_doubling(tries), _LONGEST_WAIT_S))


def _doubling(tries: int) -> float:
    return _FIRST_WAIT_S * (1 << min(tries - 1, 10))


def _spread(wait_s: float) -> float:
    """Callers that were refused together do not come back together."""
    return wait_s * random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret


def _is_quota(failure: ServiceError) -> bool:
    """Out of quota or overloaded, in contrast to: nobody answers at all."""
    return isinstance(failure, UpstreamBusy) and failure.reason == UpstreamBusy.reason


def _now() -> float:
    return asyncio.get_running_loop().time()
