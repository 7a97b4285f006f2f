"""What all candidates stand on: the same upstream, the same index, docchat as it is deployed."""

import asyncio
import compileall
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from benchmarks.chat.candidates import PEERS, SITE_URL
from benchmarks.chat.processes import connected, free_port, started
from docchat.runtime import Runtime
from scripts import index_docs
from scripts.load_server import emulator
from scripts.serve import ROOT

_FUNCTIONS = ("chat", "health")


@dataclass(frozen=True, slots=True)
class Ground:
    """Where things are.

    Attributes:
        upstream: URL of Gemini and Qdrant.
        index: folder of the embedded index.
        functions: a folder for each function.
        log: what the candidates printed.
    """

    upstream: str
    index: Path
    functions: Path
    log: Path

    def pace(self, first_s: float = 0.0, gap_s: float = 0.0) -> None:
        """Set when the pieces of Gemini's answers come, from now on."""
        values = {"first_s": first_s, "gap_s": gap_s}
        httpx.post(f"{self.upstream}/pace", json=values).raise_for_status()


@contextmanager
def prepared(console: Console) -> Iterator[Ground]:
    """Index docs/, lay out the functions and start the upstream, for the length of the block."""
    with tempfile.TemporaryDirectory() as name, emulator("qdrant") as qdrant:
        folder = Path(name)
        _index([f"path:{folder}/index", qdrant.url], console)
        _deploy(folder / "functions")
        compileall.compile_dir(ROOT / PEERS, quiet=1)
        with upstream(qdrant.url, folder / "log") as url:
            yield Ground(url, folder / "index", folder / "functions", folder / "log")


@contextmanager
def upstream(qdrant: str, log: Path) -> Iterator[str]:
    """The process that stands in for Gemini and for that Qdrant server; yields its URL."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.chat.upstream", f"--qdrant={qdrant}"]
    with started([*command, f"--port={port}"], port, {}, log) as server:
        connected(server).close()
        yield server.url


def _index(places: Sequence[str], console: Console) -> None:
    """Index docs/ in each of the places, with vectors of the emulator's."""
    reading = index_docs.read(ROOT / "docs", site_url=SITE_URL)
    with emulator("gemini", "--delay=0") as gemini:
        for place in places:
            variables = {
                "GEMINI_API_KEY": "bench",
                "GEMINI_BASE_URL": gemini.url,
                "QDRANT_HOST": place,
            }
            asyncio.run(index_docs.publish(reading, Runtime(lambda: variables), console))  # noqa: B023


def _deploy(folder: Path) -> None:
    """Lay out what infra/terraform/source.tf ships, compiled as Google's buildpack does."""
    leave_out = shutil.ignore_patterns("__pycache__", ".*")
    for name in _FUNCTIONS:
        shutil.copytree(ROOT / "functions" / name, folder / name, ignore=leave_out)
        shutil.copytree(ROOT / "docchat", folder / name / "docchat", ignore=leave_out)
    compileall.compile_dir(folder, quiet=1)
