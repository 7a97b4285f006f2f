"""Five hundred answers of two seconds at once."""

import json
import subprocess
from collections.abc import Sequence

from benchmarks.chat.candidates import PEERS, Candidate, environment
from benchmarks.chat.ground import Ground
from benchmarks.chat.load import asked
from benchmarks.chat.processes import connected
from benchmarks.chat.startup import running
from scripts.load_test import percentile
from scripts.serve import ROOT

STREAMS, QUICK = 500, 100
_GAP_S = 0.1  # between the twenty pieces of an answer


def measure(candidate: Candidate, ground: Ground, streams: int = STREAMS) -> dict[str, float]:
    """First token's 99th percentile, failures, and memory for each open stream."""
    ground.pace()
    with running(candidate, ground.log) as server:
        connected(server).close()
        asked(server.url, 1, 5)
        ground.pace(_GAP_S, _GAP_S)
        idle_kib, open_kib = server.pss_kib, list[int]()
        seen = asked(server.url, streams, streams, lambda: open_kib.append(server.pss_kib))
    figures = {"failed": float(sum(seen.failed.values()))}
    if seen.first_s:
        figures["first_p99_ms"] = percentile(seen.first_s, 0.99) * 1000
    if open_kib:
        figures["kib_per_stream"] = (open_kib[0] - idle_kib) / streams
    return figures


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
