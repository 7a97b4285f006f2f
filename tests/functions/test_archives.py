"""What is uploaded: functions/NAME at the root, docchat/ beside it, and nothing else."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import httpx
import pytest

from tests.servers import ROOT, clean_environment, functions_framework


def unpacked(name: str, folder: Path) -> Path:
    """The folder that the function's archive unpacks to."""
    shutil.copytree(ROOT / "functions" / name, folder)
    shutil.copytree(
        ROOT / "docchat", folder / "docchat", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with the functions' locked requirements alone; kept between runs."""
    requirements = ROOT / "functions/chat/requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / ".local/venvs" / digest
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = str(folder / "bin/pip")
        install = [pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r"]
        subprocess.run([*install, str(requirements)], check=True)
        subprocess.run([pip, "check"], check=True)
        (folder / "ready").touch()
    return folder / "bin/python"


def test_both_functions_have_the_same_requirements() -> None:
    chat, health = (
        (ROOT / f"functions/{name}/requirements.txt").read_text() for name in ("chat", "health")
    )
    assert chat == health


def test_the_environment_cannot_import_docchat_from_elsewhere(python: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [str(python), "-c", "import docchat"],
        cwd=tmp_path,
        env=clean_environment({}),
        capture_output=True,
        check=False,
        text=True,
    )
    assert "No module named 'docchat'" in result.stderr


@pytest.mark.timeout(300)
def test_each_archive_alone_answers(
    python: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    chat = unpacked("chat", tmp_path / "chat")
    with functions_framework("chat", variables, source=chat, python=python) as url:
        body = httpx.post(f"{url}/chat", json={"query": "How do I create a new signing key?"})
        assert body.json()["outcome"] == "answered", body.text
    health = unpacked("health", tmp_path / "health")
    with functions_framework("health", variables, source=health, python=python) as url:
        assert httpx.get(f"{url}/health/live").status_code == 200
        assert httpx.get(f"{url}/health", timeout=20).json()["status"] == "ok"
