"""A sample of the injection suite, and the same texts through the whole service."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from docchat.core.canary import canary_of
from docchat.providers.gemini import Gemini
from emulators.gemini import create_app
from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from tests.core.rendered import shown, unsafe
from tests.faults.sites import within
from tests.faults.streams import parts
from tests.injection.attacks import benign, hostile
from tests.injection.checks import (
    PLACES,
    cut,
    faults_as_output,
    faults_in_prompt,
    faults_when_obeyed,
    filtered,
    rolls,
)
from tests.servers import functions_framework

pytestmark = pytest.mark.no_cover  # so many inputs take twice the time when they are traced

STREAM = "streamGenerateContent"
QUESTION = "How do I install the lighthouse command line client?"
HOST = "lighthouse.example.com"
KEY = "a-key-of-the-test"
SAMPLE = 60


def sample(test_data: Path, count: int = SAMPLE) -> list[str]:
    """Some texts of every set, the same in every run."""
    sets = hostile(test_data / "hostile").values()
    each = -(-count // len(sets))
    return [t for texts in sets for t in rolls(1).sample(texts, min(each, len(texts)))]


@pytest.fixture(scope="module")
def gemini_app() -> Starlette:
    return create_app()


@pytest.fixture(scope="module")
def emulated(gemini_app: Starlette) -> Iterator[str]:
    with serve_in_thread(gemini_app) as url:
        yield url


@asynccontextmanager
async def model(app: Starlette, url: str, mode: str) -> AsyncIterator[Gemini]:
    """An emulated model whose every answer is in that mode."""
    app.state.faults.add(STREAM, generation(mode=mode))
    gemini = Gemini(
        SecretStr("k"),
        embedding_model="gemini-embedding-001",
        generative_model="gemini-3.8-flash",
        base_url=url,
    )
    async with aclosing(gemini):
        yield gemini
    app.state.faults.clear()


@dataclass(frozen=True)
class Server:
    url: str
    log: Path
    gemini: Starlette

    def asks(self, pieces: list[str], ask: "Ask") -> str:
        """What a visitor reads when the model says these pieces."""
        self.gemini.state.faults.add(STREAM, generation(say=pieces), times=1)
        return ask(self.url)

    def leaks(self) -> int:
        """Answers that the log says were stopped."""
        return self.log.read_text().count('"leaked": true')


@pytest.fixture(scope="module")
def server(
    gemini_app: Starlette,
    emulated: str,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("injection")
    complete = {
        **variables,
        "RATE_LIMIT_PER_MINUTE": "0",
        "API_KEY": KEY,
        "GEMINI_BASE_URL": emulated,
    }
    with functions_framework("chat", complete, cwd=folder, log=folder / "log") as url:
        yield Server(url, folder / "log", gemini_app)


Ask = Callable[[str], str]


def as_json(url: str) -> str:
    answer = httpx.post(f"{url}/chat", json={"query": QUESTION}, timeout=30).json()
    return str(answer.get("response", ""))


def as_ui_stream(url: str) -> str:
    headers = {"accept": "text/event-stream"}
    reply = httpx.post(f"{url}/chat", json={"query": QUESTION}, headers=headers, timeout=30)
    if reply.status_code != 200:
        return ""
    return "".join(p["delta"] for p in parts(reply.text) if p["type"] == "text-delta")


def as_openai_stream(url: str) -> str:
    body = {"model": "docchat", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    headers = {"authorization": f"Bearer {KEY}"}
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    chunks = [
        json.loads(found) for found in re.findall(r"^data: (\{.*)$", reply.text, re.MULTILINE)
    ]
    return "".join(
        choice["delta"].get("content") or "" for c in chunks for choice in c.get("choices", [])
    )


PROTOCOLS: list[Ask] = [as_json, as_ui_stream, as_openai_stream]


@pytest.mark.parametrize("place", PLACES)
async def test_no_text_changes_the_rules_or_leaves_its_fence(
    gemini_app: Starlette, emulated: str, test_data: Path, place: str
) -> None:
    async with model(gemini_app, emulated, "echo") as echoing:
        for text in sample(test_data):
            assert not await faults_in_prompt(echoing, place, text), text


@pytest.mark.parametrize("place", PLACES)
async def test_no_text_that_is_obeyed_makes_an_unsafe_answer(
    gemini_app: Starlette, emulated: str, test_data: Path, place: str
) -> None:
    async with model(gemini_app, emulated, "obey") as obeying:
        for text in sample(test_data):
            assert not await faults_when_obeyed(obeying, place, text), text


def test_no_text_is_unsafe_as_the_models_answer(test_data: Path) -> None:
    for text in sample(test_data, 300):
        assert not faults_as_output(text, rolls(text)), text


def test_the_documentation_of_real_sites_reads_as_before(test_data: Path) -> None:
    sites = benign(test_data / "retrieval/docs_corpus.jsonl", a_site=40)
    passages = [found for site in sites.values() for found in site]
    assert len(passages) >= 200
    changed = [text for text, host in passages if shown(filtered([text], [host])[0]) != shown(text)]
    assert len(changed) <= 0.01 * len(passages)


@pytest.mark.parametrize("ask", PROTOCOLS)
def test_an_obeying_models_answer_is_safe_in_every_protocol(
    server: Server, test_data: Path, ask: Ask
) -> None:
    answered = 0
    for text in sample(test_data, 40):
        pieces = [piece for piece in cut(f"Well [2][99]. {text}", rolls(text)) if piece]
        said = server.asks(pieces, ask)
        assert not unsafe(said, {HOST}), text
        assert not said or said.startswith("Well [1]. ")
        answered += bool(said)
    assert answered > 30


@pytest.mark.parametrize("ask", PROTOCOLS)
def test_a_model_that_recites_its_rules_is_stopped(server: Server, ask: Ask) -> None:
    server.gemini.state.faults.add(STREAM, generation(mode="echo"), times=1)
    before = server.leaks()
    said = ask(server.url)
    assert "answer the questions" not in said
    assert within(10, lambda: server.leaks() == before + 1)  # a stream's line follows its end


@pytest.mark.parametrize("ask", PROTOCOLS)
def test_a_text_like_the_canary_is_no_leak(server: Server, ask: Ask) -> None:
    assert canary_of("other") in server.asks(["The reference ", canary_of("other"), " [1]."], ask)
