"""What a streamed answer takes of a running server, alone and beside others."""

import statistics
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many requests it takes to know.

    Attributes:
        alone: one after the other.
        rounds: of as many as are asked at once, with no delay at Gemini.
        paced: at least so many for a first token's median.
        concurrencies: at which that is measured.
    """

    alone: int = 60
    rounds: int = 4
    paced: int = 8
    concurrencies: Sequence[int] = CONCURRENCIES


QUICK = Sizes(alone=15, rounds=1, paced=2, concurrencies=(1, AT_ONCE))


def measure(candidate: Candidate, ground: Ground, sizes: Sizes) -> dict[str, float]:
    """Processor time, throughput, first tokens and memory, in that order."""
    ground.pace()
    with running(candidate, ground.log) as server:
        connected(server).close()
        _good(asked(server.url, AT_ONCE, AT_ONCE), candidate)  # fills the pools
        figures = _alone(server, candidate, sizes) | _together(server, candidate, sizes)
        if candidate.name != HELLO:  # asks nobody
            figures |= _paced(server, candidate, ground, sizes)
        return figures | {"pss_mib": server.pss_kib / 1024}


def throughput(candidate: Candidate, ground: Ground, sizes: Sizes) -> float:
    """Answers a second, and nothing else."""
    ground.pace()
    with running(candidate, ground.log) as server:
        connected(server).close()
        _good(asked(server.url, AT_ONCE, AT_ONCE * 2), candidate)
        return _together(server, candidate, sizes)["per_s"]


def _alone(server: Running, candidate: Candidate, sizes: Sizes) -> dict[str, float]:
    before = server.cpu_s
    seen = _good(asked(server.url, 1, sizes.alone), candidate)
    cpu_ms = (server.cpu_s - before) * 1000 / sizes.alone
    return {"cpu_ms": cpu_ms, "first_ms": statistics.median(seen.first_s) * 1000}


def _together(server: Running, candidate: Candidate, sizes: Sizes) -> dict[str, float]:
    before, count = server.cpu_s, AT_ONCE * sizes.rounds
    seen = _good(asked(server.url, AT_ONCE, count), candidate)
    cpu_ms = (server.cpu_s - before) * 1000 / count
    return {f"cpu_ms_at_{AT_ONCE}": cpu_ms, "per_s": count / seen.wall_s}


def _paced(server: Running, candidate: Candidate, ground: Ground, sizes: Sizes) -> dict[str, float]:
    """Milliseconds to the first token beyond the model's own."""
    ground.pace(FIRST_S, GAP_S)
    over = {}
    for streams in sizes.concurrencies:
        count = max(streams * min(2, sizes.rounds), sizes.paced)
        seen = _good(asked(server.url, streams, count), candidate)
        over[f"over_ms_at_{streams}"] = (statistics.median(seen.first_s) - FIRST_S) * 1000
    return over


def _good(seen: Seen, candidate: Candidate) -> Seen:
    """What was seen, if every request was answered."""
    if seen.failed:
        raise RuntimeError(f"{candidate.name}: {dict(seen.failed)}")
    return seen
