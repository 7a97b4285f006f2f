"""A secret that is kept: read again while the old value is in use, and kept while that fails."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from docchat.errors import DocchatError

_LOGGER = logging.getLogger("docchat.secrets")
_FIRST_RETRY_S, _LONGEST_RETRY_S = 5.0, 60.0
_BETWEEN_FORCED_S = 30.0


class CachedSecret:
    """One secret, read on first use and again, in the background, when its time to live is over.

    While a new read fails, the last good value stays; without one, the next caller tries again.

    Args:
        name: for the log.
        read: gets the value; raises a `DocchatError` when there is none.
        ttl_s: seconds after which a value is read again.
        clock: seconds, never set back.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], Awaitable[SecretStr]],
        *,
        ttl_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._read = read
        self._ttl_s = ttl_s
        self._clock = clock
        self._value: SecretStr | None = None
        self._due = -math.inf
        self._forced_at = -math.inf
        self._failure = ""
        self._retry_s = _FIRST_RETRY_S
        self._reading: asyncio.Task[SecretStr] | None = None

    async def get(self) -> SecretStr:
        """The value; nobody waits while there is one, however old.

        The first read serves all who ask meanwhile, and its failure reaches all of them.

        Raises:
            DocchatError: it was never read, and cannot be read now.
        """
        if self._value is None:
            return await self._settled()
        if self._clock() >= self._due:
            self._begin()
        return self._value

    async def reread(self) -> None:
        """Read the secret again now, because a service has refused its value.

        Returns when there is another value or a read has found none; those who ask meanwhile
        share it. At most one read in 30 seconds is made for this. Raises nothing.
        """
        refused = self._value
        while refused is not None and self._value == refused:
            if not (self._is_reading() or self._may_force()):
                return
            await self._settled()

    def _may_force(self) -> bool:
        now = self._clock()
        if now - self._forced_at < _BETWEEN_FORCED_S:
            return False
        self._forced_at = now
        return True

    async def _settled(self) -> SecretStr:
        # Shielded: one caller who leaves must not take the others' read along.
        return await asyncio.shield(self._begin())

    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def _begin(self) -> "asyncio.Task[SecretStr]":
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._refresh())
            self._reading.add_done_callback(_quiet)
        return self._reading

    async def _refresh(self) -> SecretStr:
        held = self._value
        try:
            value = await self._read()
        except Exception as exc:
            if held is None:
                raise
            self._keep_on(exc)
            return held
        self._take(value)
        return value

    def _take(self, value: SecretStr) -> None:
        if self._failure or self._value not in {None, value}:
            _LOGGER.info("%s was read again", self._name)
        self._value, self._failure, self._retry_s = value, "", _FIRST_RETRY_S
        self._due = self._clock() + self._ttl_s

    def _keep_on(self, exc: Exception) -> None:
        """Log it once, not at each try: nothing fails as long as the last value is good."""
        failure = str(exc) if isinstance(exc, DocchatError) else type(exc).__name__
        if failure != self._failure:
            _LOGGER.error("%s is not read again, its last value stays: %s", self._name, failure)
        self._failure = failure
        self._due = self._clock() + min(self._retry_s, self._ttl_s)
        self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)


def _quiet(reading: "asyncio.Task[SecretStr]") -> None:
    """All who asked may have left; asyncio would complain of a failure that nobody has seen."""
    if not reading.cancelled():
        reading.exception()
