"""The widget's tools, as its lock names them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT

WIDGET = ROOT / "widget"
_LOCK = WIDGET / "package-lock.json"
_INSTALLED = WIDGET / "node_modules/.package-lock.json"  # npm writes it last


def missing(reason: str) -> None:
    """CI has everything; elsewhere a test says what to install."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(f"SKIPPED: {reason}")


def install() -> None:
    """Put what the lock names into `widget/node_modules`, unless it is there."""
    if not shutil.which("node") or not shutil.which("npm"):
        missing("node or npm missing: apt-get install --yes nodejs npm")
    if not _INSTALLED.exists() or _INSTALLED.stat().st_mtime < _LOCK.stat().st_mtime:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


def run(*command: str, folder: Path = WIDGET) -> str:
    """What the command prints; its errors fail the test."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
