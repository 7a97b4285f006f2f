"""Functions that have no database: the index is an artifact in a bucket."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from starlette.applications import Starlette

from docchat.runtime import Runtime
from emulators import gcs
from emulators.gemini import create_app
from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from scripts.index_docs import publish, read
from tests.functions.conftest import SITE_URL
from tests.servers import ROOT, functions_framework

QUESTION = {"query": "How do I create a new signing key?"}
_BY_THEN_S = 30.0
_HALT_S = 30.0  # in the middle of an answer
STREAM = "streamGenerateContent"
_TIMEOUTS = ("EMBED_TIMEOUT_S", "SEARCH_TIMEOUT_S", "GENERATE_TIMEOUT_S", "IDLE_TIMEOUT_S")


@dataclass(frozen=True, slots=True)
class Site:
    """A bucket and a Gemini, and the variables that name them."""

    bucket: Starlette
    gemini: Starlette
    variables: dict[str, str]
    folder: Path

    def publish(self, text: str = "") -> None:
        """Index the test site with one more page."""
        docs = self.folder / "docs"
        shutil.copytree(ROOT / "tests/site", docs, dirs_exist_ok=True)
        if text:
            (docs / "new.md").write_text(f"# New\n\n{text}\n")
        reading = read(docs, site_url=SITE_URL)
        run = publish(reading, Runtime(lambda: self.variables), Console(quiet=True))
        with chdir(self.folder):
            assert asyncio.run(run).published


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    bucket, model = gcs.create_app(), create_app(delay_s=0.1)
    with serve_in_thread(bucket) as storage, serve_in_thread(model) as gemini:
        variables = {
            "GEMINI_API_KEY": "test-key",
            "GEMINI_BASE_URL": gemini,
            "QDRANT_HOST": "gs://lighthouse/index",
            "STORAGE_BASE_URL": storage,
            "INDEX_REFRESH_S": "1",
            "RATE_LIMIT_PER_MINUTE": "0",
            "MAX_STREAMS": "200",
            "ANSWER_DEADLINE_S": "110",
            "FIRST_TOKEN_DEADLINE_S": "100",
            **dict.fromkeys(_TIMEOUTS, "60"),
        }
        made = Site(bucket, model, variables, tmp_path_factory.mktemp("site"))
        made.publish()
        yield made


def temp(folder: Path, name: str) -> dict[str, str]:
    """A folder for temporary files, as a variable."""
    (folder / name).mkdir()
    return {"TMPDIR": str(folder / name)}


def copies(folder: Path) -> int:
    """How many processes have unpacked an artifact there."""
    return len(list(folder.glob("docchat-index-*")))


def test_two_servers_of_two_processes_answer_from_it_at_once(site: Site, tmp_path: Path) -> None:
    def ask(url: str) -> str:
        outcome: str = httpx.post(f"{url}/chat", json=QUESTION, timeout=60).json()["outcome"]
        return outcome

    with ExitStack() as stack, ThreadPoolExecutor(20) as threads:
        urls = [
            stack.enter_context(
                functions_framework(
                    "chat", {**site.variables, **temp(tmp_path, name), "WORKERS": "2"}, cwd=tmp_path
                )
            )
            for name in ("one", "other")
        ]
        deadline = time.monotonic() + _BY_THEN_S
        while time.monotonic() < deadline:
            assert set(threads.map(ask, urls * 10)) == {"answered"}
            if copies(tmp_path / "one") == copies(tmp_path / "other") == 2:
                break
        assert (copies(tmp_path / "one"), copies(tmp_path / "other")) == (2, 2)


def test_a_newer_index_comes_into_use_under_a_hundred_open_answers(
    site: Site, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    variables = {**site.variables, **temp(tmp_path, "temp")}
    with (
        functions_framework("chat", variables, cwd=tmp_path, log=log) as url,
        ThreadPoolExecutor(101) as threads,
    ):
        streamed(url)
        halting = generation(say=("Create ", "it [1]."))
        halting = halting.model_copy(update={"pause_s": _HALT_S, "pause_from": 1})
        model = site.gemini.state
        model.faults.add(STREAM, halting, times=100)
        answers = [threads.submit(streamed, url) for _ in range(100)]
        assert until_open(100, site)
        site.publish("Lighthouses are painted once a year.")
        deadline = time.monotonic() + _BY_THEN_S
        while len(versions(log)) < 2 and time.monotonic() < deadline:
            assert streamed(url) == ("answered", "[DONE]")
        assert model.stats.open_streams == 100  # all of them are still on the older one
        assert {answer.result() for answer in answers} == {("answered", "[DONE]")}
        assert len(versions(log)) == 2
        assert copies(tmp_path / "temp") == 1


def until_open(count: int, site: Site) -> bool:
    """Whether so many answers come to be open at once."""
    deadline = time.monotonic() + _HALT_S / 2
    while site.gemini.state.stats.open_streams < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(site.gemini.state.stats.open_streams == count)


def streamed(url: str) -> tuple[str, str]:
    """How an answer ended: its outcome and its last line."""
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("POST", f"{url}/chat", json=QUESTION, headers=headers, timeout=120) as reply:
        parts = [line.removeprefix("data: ") for line in reply.iter_lines() if line]
    outcome = json.loads(parts[-2])["messageMetadata"]["outcome"] if parts[1:] else "none"
    return outcome, parts[-1]


def versions(log: Path) -> set[str]:
    """The versions that answers came from."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return {line["index_version"] for line in lines if line.get("index_version")}


def test_health_says_why_a_newer_index_is_not_in_use_and_the_chat_goes_on(
    site: Site, tmp_path: Path
) -> None:
    with (
        functions_framework("chat", site.variables, cwd=tmp_path) as chat,
        functions_framework("health", site.variables, cwd=tmp_path) as health,
    ):
        assert streamed(chat) == ("answered", "[DONE]")
        assert httpx.get(f"{health}/health", timeout=30).json()["checks"]["index"] == "ok"
        site.publish(f"A page that is damaged on its way, {time.time()}.")
        objects = site.bucket.state.buckets.objects
        whole = dict(objects)
        for key in [key for key in objects if key[1].endswith(".tar")]:
            site.bucket.state.buckets.put("lighthouse", {"name": key[1]}, b"damaged", None)
        assert until(health, "damaged")
        assert streamed(chat) == ("answered", "[DONE]")
        with functions_framework("chat", site.variables, cwd=tmp_path) as fresh:
            response = httpx.post(f"{fresh}/chat", json=QUESTION, timeout=60)
            assert response.status_code == 503
            assert response.json()["type"] == "urn:docchat:problem:index-unavailable"
        objects.update(whole)
        assert until(health, "ok")


def until(health: str, state: str) -> bool:
    """Whether health says so, in time."""
    deadline = time.monotonic() + _BY_THEN_S
    while time.monotonic() < deadline:
        checks = httpx.get(f"{health}/health", timeout=30).json()["checks"]
        if checks["index"] == state:
            return True
        time.sleep(0.5)
    return False
