"""Two workers against one, on as many cores."""

from dataclasses import replace

from benchmarks.chat.candidates import EMBEDDED, REMOTE, Candidate
from benchmarks.chat.ground import Ground
from benchmarks.chat.requests import Sizes, throughput

CANDIDATES = (EMBEDDED, REMOTE)


def measure(candidate: Candidate, ground: Ground, sizes: Sizes) -> dict[str, float]:
    """Answers a second with each."""
    twice = replace(candidate, variables={**candidate.variables, "WORKERS": "2"})
    return {
        "one_worker_per_s": throughput(candidate, ground, sizes),
        "two_workers_per_s": throughput(twice, ground, sizes),
    }
