"""Whether a chat could be answered now: one state for each part that it needs."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping

from docchat import logs
from docchat.errors import DocchatError, Misconfigured, SecretUnavailable, UpstreamTimeout
from docchat.runtime import Runtime

OK = "ok"
UNKNOWN = "unknown"
"""The part could not be asked, because of another part that fails."""

_CACHE_S = 10.0
_KEPT_S = 30.0
_PATIENCE_S = 1.0
_DEADLINE_S = 8.0


class Readiness:
    """Asks every part, at most once in some seconds: probes come often and must cost nothing.

    Args:
        runtime: the parts.
        cache_s: so long nobody is asked again.
        kept_s: so long the last state is told when asking takes longer than `patience_s`.
        patience_s: how long a probe waits then. Not at all would be too short: between two
            requests Cloud Run gives a process no CPU time to ask with.
        clock: seconds, never set back.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        cache_s: float = _CACHE_S,
        kept_s: float = _KEPT_S,
        patience_s: float = _PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._cache_s = cache_s
        self._kept_s = kept_s
        self._patience_s = patience_s
        self._clock = clock
        self._asked_at = -math.inf
        self._states: dict[str, str] = {}
        self._asking: asyncio.Task[None] | None = None

    async def check(self) -> dict[str, str]:
        """Part → `ok`, `unknown`, or one word for what is wrong."""
        age_s = self._clock() - self._asked_at
        if age_s >= self._cache_s:
            patience_s = self._patience_s if age_s < self._kept_s else None
            # It goes on when this probe leaves: others wait for it too.
            await asyncio.wait({self._begin()}, timeout=patience_s)
        return self._states

    def _begin(self) -> "asyncio.Task[None]":
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return self._asking

    async def _ask(self) -> None:
        try:
            self._states = await self._ask_all()
            self._asked_at = self._clock()
        finally:
            self._asking = None

    async def _ask_all(self) -> dict[str, str]:
        parts = {
            "configuration": self._runtime.check_configuration,
            "secrets": self._runtime.check_secrets,
            "index": self._runtime.check_index,
            "gemini": self._runtime.check_gemini,
        }
        states = await asyncio.gather(*(_failure(part, ask) for part, ask in parts.items()))
        failures = dict(zip(parts, states, strict=True))
        return {part: _state(part, failures) for part in parts}


async def _failure(part: str, ask: Callable[[], Awaitable[None]]) -> DocchatError | None:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await ask()
    except TimeoutError as exc:
        failure: DocchatError = UpstreamTimeout(f"no answer within {_DEADLINE_S:g} s")
        failure.__cause__ = exc
    except DocchatError as exc:
        failure = exc
    except Exception as exc:  # noqa: BLE001 - a probe is told the part, whatever is wrong with it
        failure = DocchatError("unexpected")
        failure.__cause__ = exc
    else:
        return None
    fields = {"part": part, "state": failure.reason, **logs.cause(failure)}
    logs.LOGGER.warning("not ready", extra={"fields": fields})
    return failure


def _state(part: str, failures: Mapping[str, DocchatError | None]) -> str:
    """A missing setting or secret is told once, under its own part."""
    failure = failures[part]
    if failure is None:
        return OK
    if part != "configuration" and failures["configuration"] and isinstance(failure, Misconfigured):
        return UNKNOWN
    if part != "secrets" and failures["secrets"] and isinstance(failure, SecretUnavailable):
        return UNKNOWN
    return failure.reason
