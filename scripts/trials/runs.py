"""Index runs as processes that start at once, to be killed."""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_RUN_S = 120.0

_context = multiprocessing.get_context("forkserver")


def prepare() -> None:
    """Let the processes start with everything imported: each SDK takes most of a second."""
    providers = ("gemini", "qdrant", "qdrant_edge", "artifact_gs_writing", "artifact_gs")
    preloaded = [f"docchat.providers.{name}" for name in providers]
    _context.set_forkserver_preload(["scripts.index_docs", *preloaded])


class Run:
    """One run of the indexer.

    Attributes:
        seconds: it took.
        usual_s: what runs of late took.
    """

    def __init__(
        self, arguments: Sequence[str], environment: dict[str, str], out: Path, usual_s: float
    ) -> None:
        self._out = out
        self._began = time.monotonic()
        self.seconds = self.usual_s = usual_s
        self._process = _context.Process(target=_index, args=(list(arguments), environment, out))
        self._process.start()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return not self._process.is_alive()

    def wait(self, seconds: float) -> None:
        """Return in so many seconds, or when it is over."""
        self._process.join(seconds)

    def kill(self) -> None:
        """End it as the system does when it is out of memory."""
        self._process.kill()
        self._process.join()

    def result(self) -> tuple[int, dict[str, Any]]:
        """Its exit code and its report."""
        self._process.join(_RUN_S)
        self.seconds = time.monotonic() - self._began
        code = self._process.exitcode
        lines = self._out.read_text().splitlines()
        report = json.loads(lines[-1]) if code == 0 and lines else {"said": lines}
        return (-1 if code is None else code), report


def _index(arguments: list[str], environment: dict[str, str], out: Path) -> None:
    from scripts.index_docs import main  # noqa: PLC0415 - imported before, in the fork server

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(out.parent)
    with out.open("w") as file:
        sys.stdout = sys.stderr = file
        code = main(arguments)
    sys.exit(code)
