"""What a streamed answer takes of a running server, alone and beside others."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.chat.candidates import HELLO, Candidate
from benchmarks.chat.ground import Ground
from benchmarks.chat.load import Seen, asked
from benchmarks.chat.processes import Running, connected
from benchmarks.chat.startup import running

FIRST_S, GAP_S = 0.3, 0.02
"""A model's time to the first piece, and between two of them."""
CONCURRENCIES = (1, 20, 80, 200)
AT_ONCE = 80
_WARM = 5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many requests it takes to know.

    Attributes:
        alone: one after the other.
        rounds: of as many as are asked at once, with no delay at Gemini.
        paced: at least so many for a first token's median.
        concurrencies: at which that is measured.
    """

    alone: int = 100
    rounds: int = 4
    paced: int = 8
    concurrencies: Sequence[int] = CONCURRENCIES


QUICK = Sizes(alone=30, rounds=1, paced=2, concurrencies=(1, AT_ONCE))


class _Asked:
    """A running server that is asked, and how many of its answers have failed."""

    def __init__(self, server: Running, name: str) -> None:
        self.server = server
        self.failed = 0
        self._name = name

    def ask(self, streams: int, requests: int) -> Seen:
        """What the clients saw."""
        seen = asked(self.server.url, streams, requests)
        self.failed += sum(seen.failed.values())
        if not seen.first_s:
            raise RuntimeError(f"{self._name} answers nothing: {seen.failed}")
        return seen


def measure(candidate: Candidate, ground: Ground, sizes: Sizes) -> dict[str, float]:
    """Processor time, throughput, first tokens and memory, in that order.

    Alone it is asked before and after the many: the connections that these leave open in a pool
    are looked at for every later request.
    """
    with _warm(candidate, ground) as one:
        cpu_ms, first_ms = _alone(one, sizes)
        one.ask(AT_ONCE, 2 * AT_ONCE)
        figures = {"cpu_ms": cpu_ms, "first_ms": first_ms, **_together(one, sizes)}
        figures["cpu_ms_after"], _ = _alone(one, sizes)
        if candidate.name != HELLO:  # asks nobody
            figures |= _paced(one, ground, sizes)
        return figures | {"pss_mib": one.server.pss_kib / 1024, "not_answered": one.failed}


def throughput(candidate: Candidate, ground: Ground, sizes: Sizes) -> float:
    """Answers a second, and nothing else."""
    with _warm(candidate, ground) as one:
        one.ask(AT_ONCE, 2 * AT_ONCE)
        return _together(one, sizes)["per_s"]


@contextmanager
def _warm(candidate: Candidate, ground: Ground) -> Iterator[_Asked]:
    """The candidate with its clients built."""
    ground.pace()
    with running(candidate, ground.log) as server:
        connected(server).close()
        one = _Asked(server, candidate.name)
        one.ask(1, _WARM)
        yield one


def _alone(one: _Asked, sizes: Sizes) -> tuple[float, float]:
    """Milliseconds of processor time, and to the first token, of one answer after the other."""
    before = one.server.cpu_s
    seen = one.ask(1, sizes.alone)
    cpu_ms = (one.server.cpu_s - before) * 1000 / sizes.alone
    return cpu_ms, statistics.median(seen.first_s) * 1000


def _together(one: _Asked, sizes: Sizes) -> dict[str, float]:
    before, count = one.server.cpu_s, AT_ONCE * sizes.rounds
    seen = one.ask(AT_ONCE, count)
    cpu_ms = (one.server.cpu_s - before) * 1000 / count
    return {f"cpu_ms_at_{AT_ONCE}": cpu_ms, "per_s": len(seen.whole_s) / seen.wall_s}


def _paced(one: _Asked, ground: Ground, sizes: Sizes) -> dict[str, float]:
    """Milliseconds to the first token beyond the model's own."""
    ground.pace(FIRST_S, GAP_S)
    over = {}
    for streams in sizes.concurrencies:
        seen = one.ask(streams, max(streams * min(2, sizes.rounds), sizes.paced))
        over[f"over_ms_at_{streams}"] = (statistics.median(seen.first_s) - FIRST_S) * 1000
    return over
