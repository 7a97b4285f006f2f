"""The npm package `ai` as pages have it, against a functions-framework process."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import FIRST, SECOND, SOURCES, Server
from tests.servers import ROOT
from tests.widget.npm import install

FOLDER = Path(__file__).parent / "ai_sdk"

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def packages() -> None:
    """Installs what the lock names, unless it is there."""
    install(FOLDER)


@pytest.fixture(params=["ai5", "ai6", "ai7"])
def package(packages: None, request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@contextmanager
def page(server: Server, package: str, *questions: str, **options: object) -> Iterator[Seen]:
    """What a page that asks these questions sees; the page stays open for the block."""
    api = f"{server.url}/chat"
    told = json.dumps({"package": package, "api": api, "questions": questions, **options})
    with subprocess.Popen(
        ["node", "conversation.mjs", told],  # noqa: S607 - node's place differs
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the program has failed"
        yield json.loads(line)
        assert process.poll() is None
        process.stdin.close()


def answers(seen: Seen) -> list[Seen]:
    return [message for message in seen["messages"] if message["role"] == "assistant"]


def text_of(message: Seen) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def sources_of(message: Seen) -> list[Seen]:
    return [part for part in message["parts"] if part["type"] == "source-url"]


def test_the_lock_names_three_versions_and_no_host() -> None:
    text = (FOLDER / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    assert "://" not in text
    assert all("integrity" in entry for path, entry in locked.items() if path)
    for major in ("5", "6", "7"):
        assert locked[f"node_modules/ai{major}"]["version"].split(".")[0] == major


def test_a_conversation_of_two_turns(server: Server, package: str) -> None:
    with page(server, package, FIRST, SECOND) as seen:
        first, second = answers(seen)
    assert seen["turns"] == [{"status": "ready", "error": None}] * 2
    assert "lighthouse key create" in text_of(first)
    assert "lighthouse key remove" in text_of(second)
    contents = server.upstream.prompts[-1]["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    told = [content["parts"][0]["text"] for content in contents]
    assert told[:2] == [FIRST, text_of(first).replace(" [1]", "")]
    assert SECOND in told[2]


def test_the_page_sees_sources_and_outcome(server: Server, package: str) -> None:
    with page(server, package, FIRST, SECOND) as seen:
        for question, message in zip((FIRST, SECOND), answers(seen), strict=True):
            (source,) = sources_of(message)
            assert source["sourceId"] == "1"
            assert source["url"] == SOURCES[question]
            assert source["title"].startswith("Rotating the signing key › ")
            assert source["providerMetadata"]["docchat"]["n"] == 1
            assert "lighthouse key" in source["providerMetadata"]["docchat"]["snippet"]
            assert message["metadata"] == {"outcome": "answered", "finish": "stop"}
            assert re.fullmatch("[0-9a-f]{32}", message["id"])  # what /feedback takes


def test_what_the_docs_do_not_cover_is_an_answer_too(server: Server, package: str) -> None:
    with page(server, package, "Who won the 1954 world cup?") as seen:
        (message,) = answers(seen)
    assert seen["turns"] == [{"status": "ready", "error": None}]
    assert message["metadata"] == {"outcome": "not_found", "finish": "stop"}
    closest = sources_of(message)
    assert closest
    assert all(source["title"] in text_of(message) for source in closest)


def test_too_many_questions_are_an_error_that_the_page_can_read(
    strict_server: Server, package: str
) -> None:
    with page(strict_server, package, FIRST, SECOND) as seen:
        ready, refused = seen["turns"]
    assert ready["status"] == "ready"
    assert refused["status"] == "error"
    problem = json.loads(refused["error"])
    assert problem["type"] == "urn:docchat:problem:rate-limited"
    assert problem["status"] == 429
    assert 1 <= problem["retry_after_s"] <= 60


def test_a_failure_in_mid_stream_is_an_error_after_which_one_can_go_on(
    server: Server, package: str
) -> None:
    server.upstream.to_break = 1
    with page(server, package, FIRST, SECOND) as seen:
        broken, whole = answers(seen)
    failed, ready = seen["turns"]
    assert failed["status"] == "error"
    problem = json.loads(failed["error"])
    assert problem["type"] == "urn:docchat:problem:upstream-truncated"
    assert problem["detail"] == "The answer was cut off. Please try again."
    assert problem["request_id"] == broken["id"]
    assert "lighthouse key create" in text_of(broken)
    assert "metadata" not in broken
    assert ready == {"status": "ready", "error": None}
    assert whole["metadata"] == {"outcome": "answered", "finish": "stop"}


def test_stopping_an_answer_ends_geminis(slow_server: Server, package: str) -> None:
    asked = len(slow_server.upstream.prompts)
    with page(slow_server, package, FIRST, stop=True) as seen:
        assert slow_server.open_upstream_streams(within_s=2.0) == 0
    assert len(slow_server.upstream.prompts) == asked + 1
    (message,) = answers(seen)
    assert text_of(message)
    assert "metadata" not in message  # it never got to its end
    assert seen["turns"] == [{"status": "ready", "error": None}]


def test_the_documented_transport_keeps_a_long_conversation_going(
    server: Server, package: str
) -> None:
    documented = re.search(
        r"^const hasText.*?^\}\);$",
        (ROOT / "docs/streaming.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert documented
    code = documented[0].replace("https://chat.example.com", server.url)
    assert server.url in code
    with page(server, package, *[FIRST, SECOND] * 6, transport=code) as seen:
        assert [turn["status"] for turn in seen["turns"]] == ["ready"] * 12
