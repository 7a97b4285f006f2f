"""Send what schemathesis makes of docs/openapi.yaml to the chat function, and count.

    python -m scripts.fuzz --cases 10000

Starts the Gemini emulator and the chat function as processes of their own, on this machine alone.

Exit codes: 0 no failure in at least so many cases, 1 a failure, or fewer cases, 2 wrong arguments.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from scripts.load_server import running
from scripts.serve import ROOT

OK, FAILED = 0, 1
DOCUMENT = ROOT / "docs/openapi.yaml"
KEY = "fuzz-key"
_COVERAGE = 300  # cases that schemathesis makes of the document whatever is asked of it
_MOST_A_ROUND = 1500  # beyond, it grows to a gigabyte and slows down
_WITH_BODY = 4  # operations for which it makes as many cases as are asked; the others have few
_GENERATED = re.compile(r"^ *([\d,]+) generated", re.MULTILINE)
_SWITCHED_OFF = (
    # Limits count what can be seen, without the spaces around it: longer text may be accepted.
    "negative_data_rejection",
    # The framework answers methods that it does not know itself, as text.
    "unsupported_method",
)


def fuzz(url: str, cases: int) -> tuple[int, bool]:
    """How many cases were sent, and whether none of them failed; prints what failed.

    Args:
        url: a chat function without a rate limit whose API key is `KEY`.
        cases: how many to send at least.
    """
    sent, clean, seed = 0, True, 0
    while clean and sent < cases:
        seed += 1
        count, clean = _round(url, min(cases - sent, _MOST_A_ROUND), seed)
        sent += count
        print(f"round {seed}: {sent} of {cases} cases, {'no failure' if clean else 'failures'}")
    return sent, clean


def _round(url: str, cases: int, seed: int) -> tuple[int, bool]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [
                Path(sys.executable).with_name("schemathesis"),
                *("run", DOCUMENT, "--url", url, "--header", f"Authorization: Bearer {KEY}"),
                *("--exclude-tag", "health", "--phases", "coverage,fuzzing"),
                *("--exclude-checks", ",".join(_SWITCHED_OFF), "--continue-on-failure"),
                *("--max-examples", str(max(1, (cases - _COVERAGE) // _WITH_BODY))),
                *("--seed", str(seed), "--no-color"),
            ],
            env={**os.environ, "SCHEMATHESIS_HOOKS": "scripts.fuzz_hooks", "PYTHONPATH": str(ROOT)},
            cwd=folder,  # it leaves a database of examples behind
            capture_output=True,
            text=True,
            check=False,
        )
    counted = _GENERATED.search(done.stdout)
    if done.returncode or not counted:
        print(done.stdout, done.stderr)
    sent = int(counted[1].replace(",", "")) if counted else 0
    return sent, done.returncode == 0 and sent > 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cases", type=int, default=10_000, help="default: %(default)s")
    options = parser.parse_args(arguments)
    os.environ["API_KEY"] = KEY
    with running(0.0, Console()) as server:
        sent, clean = fuzz(server.chat, options.cases)
    print(f"{sent} cases, {'no failure' if clean else 'failures'}")
    return OK if clean and sent >= options.cases else FAILED


if __name__ == "__main__":
    sys.exit(main())
