"""The widget's tools, as its lock names them."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT

WIDGET = ROOT / "widget"


def missing(reason: str) -> None:
    """CI has everything; elsewhere a test says what to install."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(f"SKIPPED: {reason}")


def install(folder: Path = WIDGET) -> None:
    """Put what the folder's lock names into its `node_modules`, unless it is there."""
    if not shutil.which("node") or not shutil.which("npm"):
        missing("node or npm missing: apt-get install --yes nodejs npm")
    lock = folder / "package-lock.json"
    installed = folder / "node_modules/.package-lock.json"  # npm writes it last
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # npm cannot be run twice in a folder
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)


def run(*command: str, folder: Path = WIDGET) -> str:
    """What the command prints; its errors fail the test."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
