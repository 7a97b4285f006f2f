"""What each function imports, and when. Modules are counted, not seconds: they are the same."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from tests.servers import ROOT, clean_environment, silent_function

T = TypeVar("T")

HELLO = """
import functions_framework.aio

@functions_framework.aio.http
async def hello(request):
    return "hello"
"""
HEAVY = ("pydantic", "google.genai", "qdrant_client", "qdrant_edge", "google.cloud.secretmanager")
LISTENING = f"""
import json, sys
import functions_framework._http, functions_framework.aio, uvicorn_worker
functions_framework.aio.create_asgi_app(sys.argv[1], sys.argv[2])
loaded = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([len(sys.modules), loaded]))
"""
MOST_MODULES = {"chat": 5, "health": 20}
"""Over what a function imports that says hello: as much as 1.15 of its time to listen allows."""


def modules_at_listening(name: str, source: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", LISTENING, name, str(source)],
        cwd=ROOT,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    count, heavy = json.loads(done.stdout)
    return count, heavy


@pytest.mark.parametrize("name", MOST_MODULES)
def test_nothing_heavy_is_imported_before_the_server_listens(name: str, tmp_path: Path) -> None:
    hello = tmp_path / "main.py"
    hello.write_text(HELLO)
    floor, _ = modules_at_listening("hello", hello)
    count, heavy = modules_at_listening(name, ROOT / f"functions/{name}/main.py")
    assert heavy == []
    assert count - floor <= MOST_MODULES[name]


def has(pid: int, library: str) -> bool:
    """Whether the process has loaded that extension module."""
    return library in Path(f"/proc/{pid}/maps").read_text()


def until(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def worker_of(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children")
    return until(lambda: next(map(int, children.read_text().split()), None))


def test_a_worker_imports_what_the_first_answer_needs_before_it_is_asked(
    variables: dict[str, str], empty_folder: Path
) -> None:
    with silent_function("chat", variables, empty_folder) as (_, master):
        worker = worker_of(master)
        assert until(lambda: has(worker, "qdrant_edge"))
        assert not has(master, "pydantic_core")


def test_liveness_needs_no_settings_and_no_sdk(
    variables: dict[str, str], empty_folder: Path
) -> None:
    with silent_function("health", variables, empty_folder) as (url, master):
        worker = worker_of(master)
        assert until(lambda: answers(f"{url}/health/live")) == 200
        assert not has(worker, "pydantic_core")
        assert httpx.get(f"{url}/health", timeout=30).status_code == 200
        assert has(worker, "pydantic_core")


def answers(url: str) -> int | None:
    try:
        return httpx.get(url).status_code
    except httpx.ConnectError:
        return None
