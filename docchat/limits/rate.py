"""Requests per client and minute."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from docchat.errors import RateLimited

# Sums of floats are off by less than half of this: enough to refuse who waited as long as
# told, or to tell a second too many.
_ROUNDING_S = 1e-6


class RateLimiter:
    """A token bucket for each client.

    In any t minutes a client gets at most `burst + per_minute * t` requests through. A
    bucket is kept as the one moment at which it is full again, as in the virtual scheduling
    form of the generic cell rate algorithm (ITU-T I.371).

    Memory is bounded: beyond `max_clients`, whoever has not asked for longest is forgotten
    and starts with a full bucket. Refused requests count as asking, so a client is forgotten
    early only if it stays silent while `max_clients` other addresses ask. Who has that many
    addresses has as many buckets anyway.

    Args:
        per_minute: requests per minute in the long run; 0 for no limit.
        burst: requests that may come at once, at least 1.
        max_clients: how many clients are remembered, at least 1.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        per_minute: int,
        burst: int,
        *,
        max_clients: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = 60 / per_minute if per_minute else 0.0
        self._burst_s = burst * self._interval_s
        self._max_clients = max_clients
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def check(self, client: str) -> None:
        """Count one request of this client.

        Raises:
            RateLimited: the bucket is empty. Names the seconds after which it is not, if the
                client waits; the refused request itself takes nothing out of it.
        """
        if not self._interval_s:
            return
        now = self._clock()
        full_at = max(now, self._full_at.get(client, now))
        wait_s = full_at + self._interval_s - now - self._burst_s
        refused = wait_s > _ROUNDING_S
        self._remember(client, full_at if refused else full_at + self._interval_s)
        if refused:
            raise RateLimited(math.ceil(wait_s - _ROUNDING_S / 2))

    def _remember(self, client: str, full_at: float) -> None:
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        if len(self._full_at) > self._max_clients:
            self._full_at.popitem(last=False)
