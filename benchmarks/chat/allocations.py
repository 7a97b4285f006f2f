"""How many allocations a streamed answer takes, as memray counts them: a count, not a time.

Python's own allocator is counted, too: most objects come from it and never reach the system's.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.chat.candidates import Candidate, environment
from benchmarks.chat.ground import Ground
from benchmarks.chat.load import asked
from benchmarks.chat.processes import connected
from benchmarks.chat.startup import running

_FEW, _MANY = 10, 50
"""Answers; what the second of two processes takes more is that of the difference."""

# Behind the candidate's own packages, some of which memray brings as well.
_MEMRAY = f"""
import sys
sys.path += {[str(path) for path in environment("memray").parent.glob("lib/*/site-packages")]}
from memray.commands import main
sys.exit(main(sys.argv[1:]))
"""


def measure(candidate: Candidate, ground: Ground) -> dict[str, float]:
    """Allocations for one answer, of those that are asked one after the other."""
    ground.pace()  # what was measured before may have slowed Gemini
    few, many = (_counted(candidate, ground.log, answers) for answers in (_FEW, _MANY))
    return {"allocations": (many - few) / (_MANY - _FEW)}


def _counted(candidate: Candidate, log: Path, answers: int) -> int:
    """All allocations of a process and its children that gives so many answers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def command(port: int) -> list[str]:
            program, *options = candidate.command(port)
            python = str(Path(program).parent / "python")
            run = ["run", "--quiet", "--follow-fork", "--trace-python-allocators"]
            return [python, "-c", _MEMRAY, *run, f"--output={folder}/run", program, *options]

        with running(replace(candidate, command=command), log) as server:
            connected(server).close()
            seen = asked(server.url, 1, answers)
        if len(seen.first_s) < answers:
            raise RuntimeError(f"{candidate.name} under memray: {seen.failed}")
        return sum(map(_allocations, _written(folder)))


def _written(folder: Path) -> Iterator[Path]:
    """A file for each process."""
    return folder.glob("run*")


def _allocations(written: Path) -> int:
    stats = written.with_name("stats.json")
    python = str(environment("memray") / "python")
    command = [python, "-m", "memray", "stats", "--json", "--force", f"--output={stats}"]
    subprocess.run([*command, str(written)], check=True, capture_output=True)  # noqa: S603 - ours
    count: int = json.loads(stats.read_text())["total_num_allocations"]
    return count
