"""Five hundred answers of two seconds at once."""

import json
import subprocess
from collections.abc import Sequence

from benchmarks.chat.candidates import HELLO, PEERS, Candidate, environment
from benchmarks.chat.ground import Ground
from benchmarks.chat.load import asked, held_open
from benchmarks.chat.processes import Running, connected
from benchmarks.chat.startup import running
from scripts.load_test import percentile
from scripts.serve import ROOT

STREAMS, QUICK = 500, 100
_GAP_S = 0.1  # between the twenty pieces of an answer
_LONG_GAP_S = 2.0
_WARM = 5


def measure(candidate: Candidate, ground: Ground, streams: int = STREAMS) -> dict[str, float]:
    """First token's 99th percentile, failures, streams held, and memory for each of those."""
    ground.pace()
    with running(candidate, ground.log) as server:
        connected(server).close()
        asked(server.url, 1, _WARM)
        idle_kib = server.pss_kib
        ground.pace(_GAP_S, _GAP_S)
        seen = asked(server.url, streams, streams)
        figures = {"failed": float(sum(seen.failed.values()))}
        if seen.first_s:
            figures["first_p99_ms"] = percentile(seen.first_s, 0.99) * 1000
        if candidate.name != HELLO:  # its answers are over at once
            figures |= _held(server, ground, streams, idle_kib)
        return figures


def _held(server: Running, ground: Ground, streams: int, idle_kib: int) -> dict[str, float]:
    """How many are open at once, each long enough for all to begin.

    Memory is of each that was asked for: who waits for a connection takes some, too.
    """
    ground.pace(_GAP_S, _LONG_GAP_S)
    with held_open(server.url, streams) as held:
        return {"held": held, "kib_per_stream": (server.pss_kib - idle_kib) / streams}


def bare(ground: Ground, streams: int = STREAMS) -> dict[str, float]:
    """The same percentile of google-genai's own client, with no server in front of it."""
    ground.pace(_GAP_S, _GAP_S)
    program = str(environment("docchat") / "python")
    command = [program, str(ROOT / PEERS / "bare.py"), str(streams)]
    variables = {"GEMINI_API_KEY": "bench", "GEMINI_BASE_URL": ground.upstream}
    done = subprocess.run(  # noqa: S603 - a program of ours
        command, env=variables, capture_output=True, check=True, text=True
    )
    firsts: Sequence[float] = json.loads(done.stdout)
    return {"first_p99_ms": percentile(firsts, 0.99) * 1000}
