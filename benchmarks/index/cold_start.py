"""From the start of the chat function's process to the first token of its first answer."""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path

import httpx
from rich.table import Table

from benchmarks.index.overlap import publish
from docchat.core.models import Point
from docchat.providers.artifact_gs_writing import GsArtifacts
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge_publishing import ArtifactStore
from scripts.load_server import emulator
from scripts.load_test import cost
from scripts.serve import ROOT, listen

_ROUNDS = 10
_QUESTION = {"query": "How do I install it?"}
_PLACE = "gs://cold/index"
_LIMITS = ("FIRST_TOKEN_DEADLINE_S", "EMBED_TIMEOUT_S", "SEARCH_TIMEOUT_S", "GENERATE_TIMEOUT_S")
_FUNCTION = ROOT / "functions/chat/main.py"
_THROUGH_CLIENT = ROOT / "benchmarks/index/client_main.py"
_PATIENT = {"ABSTAIN_BELOW": "0", "ANSWER_DEADLINE_S": "120", **dict.fromkeys(_LIMITS, "60")}
"""A process on a busy machine is measured, not given up."""

Way = tuple[Path, Mapping[str, str]]
"""A function's file and its variables."""


def table(points_of: Callable[[int], list[Point]]) -> Table:
    """Medians of processes started in turn: with an artifact, and two ways to search a server."""
    shown = Table("chunks", "index", "first token, ms", "CPU ms", "memory MiB", "fastest")
    with emulator("gemini") as gemini, emulator("qdrant") as server, emulator("gcs") as storage:
        started = ways(gemini.url, server.url, storage.url)
        for count in (1_000, 10_000):
            asyncio.run(publish_both(points_of(count), server.url, storage.url))
            taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in started}
            for _ in range(_ROUNDS):
                for name, (source, environment) in started.items():
                    taken[name].append(first_token(source, environment))
            for name, rounds in taken.items():
                _row(shown, count, name, rounds)
    return shown


def ways(gemini: str, server: str, storage: str) -> dict[str, Way]:
    """Who is started, by name; all of them with the same Gemini."""
    common = {"GEMINI_API_KEY": "cold", "GEMINI_BASE_URL": gemini, **_PATIENT}
    remote = {**common, "QDRANT_HOST": server}
    return {
        "artifact": (_FUNCTION, {**common, "QDRANT_HOST": _PLACE, "STORAGE_BASE_URL": storage}),
        "Qdrant server": (_FUNCTION, remote),
        "the same, qdrant-client": (_THROUGH_CLIENT, remote),
    }


async def publish_both(made: Sequence[Point], server_url: str, storage_url: str) -> None:
    """The same index on the server and in the bucket."""
    server = QdrantIndex(server_url, None, "docs")
    await publish(server, made)
    await server.aclose()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        there = GsArtifacts(f"{_PLACE}/docs", storage_url)
        store = ArtifactStore(Path(folder), "docs", there)
        await publish(store, made)
        await store.aclose()


def first_token(source: Path, environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Milliseconds, milliseconds of processor time, and MiB, of one process."""
    with listen(0) as free:
        port = free.getsockname()[1]
    command = ["-m", "functions_framework", "--target=chat", f"--source={source}"]
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *command, "--host=127.0.0.1", f"--port={port}"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _ask(f"http://127.0.0.1:{port}/chat")
        took_ms = (time.perf_counter() - began) * 1000
        seconds, kib = cost(process.pid)
        return took_ms, seconds * 1000, kib / 1024
    finally:
        process.terminate()
        process.wait(timeout=15)


def _ask(url: str) -> None:
    """Return with the first token."""
    headers = {"Accept": "text/event-stream"}
    while True:
        try:
            with httpx.stream("POST", url, json=_QUESTION, headers=headers, timeout=30) as reply:
                for line in reply.iter_lines():
                    if '"text-delta"' in line:
                        return
                raise RuntimeError(f"no token, status {reply.status_code}")
        except httpx.ConnectError:
            time.sleep(0.005)


def _row(shown: Table, count: int, name: str, rounds: list[tuple[float, float, float]]) -> None:
    took, cpu, memory = zip(*rounds, strict=True)
    figures = (*map(statistics.median, (took, cpu, memory)), min(took))
    shown.add_row(f"{count:,}", name, *(f"{figure:,.0f}" for figure in figures))
