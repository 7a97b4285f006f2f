"""What happens to a process, P1 to P6."""

import asyncio
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx

from scripts.load_test import cost
from tests.faults.bench import PIECE_S, Bench, terminate
from tests.faults.gemini_table import NOISE_S, assert_all
from tests.faults.protocols import PROTOCOLS, QUESTION, ask, ask_all
from tests.faults.rows import Row
from tests.faults.sites import within
from tests.faults.streams import ending
from tests.servers import free_port

_JUMPY = Path(__file__).parent / "jumpy"
_STREAM = {"accept": "text/event-stream"}
_STREAMS = 200
_MEMORY_MIB = 256
_COLD_S = 4.0


def _nothing_is_there(bench: Bench) -> None:
    sites = bench.sites
    nobody = f"http://127.0.0.1:{free_port()}"
    down = {"GEMINI_BASE_URL": nobody, "QDRANT_HOST": nobody}
    secrets = sites.with_secrets("nothing-there") | {"SECRET_MANAGER_BASE_URL": nobody}
    with sites.running("all-down", {**down, **secrets}) as site:
        assert httpx.get(f"{site.url}/chat").status_code == 200
        replies = ask_all(site.url)
        assert_all(replies, "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
        assert max(one.seconds for one in replies) <= _COLD_S + 2 * NOISE_S  # imports two SDKs
    for name, keys in (("secrets", secrets), ("upstreams", {})):
        with sites.running(f"no-{name}", {**down, **keys}, target="health") as site:
            assert httpx.get(f"{site.url}/health/live").status_code == 200
            response = httpx.get(f"{site.url}/health", timeout=20)
        assert response.status_code == 503
        checks = response.json()["checks"]
        if keys:
            assert checks["secrets"] == "secrets-unavailable"
        else:
            assert checks["index"] == checks["gemini"] == "unreachable"


def _idle_and_told_to_stop(bench: Bench) -> None:
    with bench.mortal(piece_s=0) as (_, process):
        started = time.monotonic()
        terminate(process)
        assert process.wait(10) == 0
        assert time.monotonic() - started <= 1.0 + NOISE_S


def _killed(bench: Bench) -> None:
    with bench.mortal(piece_s=PIECE_S) as (server, process), ThreadPoolExecutor(1) as pool:
        streaming = pool.submit(_cut_off, server.url)
        assert within(20, lambda: server.stats.open_streams == 1)
        workers = _children(process.pid)
        process.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        assert streaming.result()
    with bench.mortal(piece_s=0) as (server, _):
        assert ask(server.url, "json").ending == "answered"


def _cut_off(url: str) -> bool:
    try:
        text = httpx.post(f"{url}/chat", json={"query": QUESTION}, headers=_STREAM, timeout=30).text
    except httpx.TransportError:
        return True
    return "[DONE]" not in text


def _memory(bench: Bench) -> None:
    # So many on a busy machine wait for long, which is not the point here.
    patient = dict.fromkeys(("FIRST_TOKEN_DEADLINE_S", "EMBED_TIMEOUT_S", "SEARCH_TIMEOUT_S"), "50")
    room = {"MAX_STREAMS": str(_STREAMS), "GENERATE_TIMEOUT_S": "50", **patient}
    # They begin in turns: the first one lasts until the last one has begun.
    with bench.mortal(piece_s=4 * PIECE_S, changes=room) as (server, process):
        ended, kib = asyncio.run(_many(server.url, process.pid))
        assert server.stats.max_open_streams == _STREAMS
    assert ended == {"finish": _STREAMS}
    assert kib // 1024 <= _MEMORY_MIB


async def _many(url: str, pid: int) -> tuple[Counter[str], int]:
    """How so many streams at once ended, and the most memory that the function had, in KiB."""
    most, limits = 0, httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def one() -> str:
            asked = client.post(f"{url}/chat", json={"query": QUESTION}, headers=_STREAM)
            return ending((await asked).text)

        streams = asyncio.gather(*(one() for _ in range(_STREAMS)))
        while not streams.done():
            # The worker's alone: gunicorn's master is another process with the same pages.
            most = max(most, *(cost(child)[1] for child in _children(pid)))
            await asyncio.sleep(0.1)
        return Counter(await streams), most


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _clock_jumps(bench: Bench) -> None:
    sites = bench.sites
    sites.heal()
    rate = {"RATE_LIMIT_PER_MINUTE": "1", "RATE_LIMIT_BURST": "5", "ANSWER_DEADLINE_S": "30"}
    secrets = sites.with_secrets("jumpy")
    with sites.running("jumpy", {**secrets, **rate}, source=_JUMPY) as site:
        assert_all(ask_all(site.url), "answered", dict.fromkeys(PROTOCOLS, 200))
        assert ask(site.url, "ui").ending == "answered"
        assert ask(site.url, "ui").ending == "rate-limited"
        durations = [line for line in site.logged().splitlines() if '"duration_ms": -' in line]
    assert not durations
    assert sites.secrets.faults.calls["access/jumpy-gemini"] == 1


def _saturated(bench: Bench) -> None:
    server, sites = bench.slow, bench.sites
    sites.heal()
    assert within(10, lambda: server.stats.open_streams == 0)
    with sites.running("probed", target="health") as site, ExitStack() as stack:
        assert httpx.get(f"{site.url}/health", timeout=20).status_code == 200
        for _ in range(2):
            query = {"query": QUESTION}
            streaming = httpx.stream("POST", f"{server.url}/chat", json=query, headers=_STREAM)
            stack.enter_context(streaming)
        assert httpx.post(f"{server.url}/chat", json={"query": QUESTION}).status_code == 503
        assert httpx.get(f"{server.url}/chat").status_code == 200
        asked = _upstream_calls(bench)
        with httpx.Client(base_url=site.url) as client, ThreadPoolExecutor(8) as pool:
            probes = list(pool.map(lambda _: client.get("/health").status_code, range(100)))
        assert set(probes) == {200}
    # The state is kept for ten seconds: a slow machine may ask once more.
    assert _upstream_calls(bench) <= asked + _ONE_CHECK


_ONE_CHECK = 4


def _upstream_calls(bench: Bench) -> int:
    services = (bench.sites.gemini, bench.sites.qdrant)
    return sum(service.faults.calls.total() for service in services)


ROWS = [
    Row(
        "P1",
        "a cold start with everything down",
        "live, not ready, 503 within 4 s",
        _nothing_is_there,
    ),
    Row("P2", "SIGTERM while idle", "exit 0 within 1 s", _idle_and_told_to_stop),
    Row("P3", "SIGKILL in the middle of an answer", "the next process answers", _killed),
    Row("P4", "200 streams at once", "all end well, at most 256 MiB", _memory),
    Row(
        "P5",
        "the clock jumps an hour at every look",
        "deadlines, limits and keys are unmoved",
        _clock_jumps,
    ),
    Row("P6", "health while all slots are taken", "200, no upstream call a probe", _saturated),
]
