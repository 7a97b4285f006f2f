"""The chat function as users meet it: a functions-framework process on a real socket."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.functions.conftest import ORIGIN, SITE_URL
from tests.servers import free_port, functions_framework

QUESTION = {"query": "How do I create a new signing key?"}


@pytest.fixture(scope="module")
def url(variables: dict[str, str], empty_folder: Path) -> Iterator[str]:
    with functions_framework("chat", variables, cwd=empty_folder, covered=True) as url:
        yield url


def problem_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["type"].removeprefix("urn:docchat:problem:")


def test_a_question_gets_a_cited_answer(url: str) -> None:
    response = httpx.post(f"{url}/chat", json=QUESTION)
    assert response.status_code == 200
    body = response.json()
    assert body["outcome"] == "answered"
    assert "lighthouse key create" in body["response"]
    assert "[1]" in body["response"]
    assert body["sources"][0]["url"] == f"{SITE_URL}/guides/rotate-keys#new-key"
    assert body["sources"][0]["title"] == "Rotating the signing key › Create the new key"


def test_the_functions_own_address_answers_too(url: str) -> None:
    assert httpx.post(f"{url}/", json=QUESTION).json()["outcome"] == "answered"


def test_a_question_that_the_docs_do_not_cover_is_not_found_and_gets_the_closest_pages(
    url: str,
) -> None:
    body = httpx.post(f"{url}/chat", json={"query": "Who won the 1954 world cup?"}).json()
    assert body["outcome"] == "not_found"
    assert [source["n"] for source in body["sources"]] == [1, 2, 3]
    assert all(source["url"].startswith(SITE_URL) for source in body["sources"])


def test_a_stream_arrives_in_pieces_before_the_end(url: str) -> None:
    arrived: list[tuple[float, str]] = []
    with httpx.stream(
        "POST", f"{url}/chat", json=QUESTION, headers={"Accept": "text/event-stream"}
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        arrived = [(time.monotonic(), line) for line in response.iter_lines() if line]
    assert arrived[-1][1] == "data: [DONE]"
    deltas = [when for when, line in arrived if '"text-delta"' in line]
    assert len(deltas) > 2
    assert arrived[-1][0] - deltas[0] > 0.03  # the emulator waits that long between two pieces


def test_usechat_gets_a_stream_with_sources_and_outcome(url: str) -> None:
    message = {"role": "user", "parts": [{"type": "text", "text": QUESTION["query"]}]}
    response = httpx.post(f"{url}/chat", json={"id": "x", "messages": [message]})
    parts = [json.loads(line[6:]) for line in response.text.split("\n\n") if line[6:7] == "{"]
    assert any(part["type"] == "source-url" for part in parts)
    said = {"outcome": "answered", "finish": "stop"}
    assert parts[-1] == {"type": "finish", "messageMetadata": said}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"content": b"{nope", "headers": {"content-type": "application/json"}}, "malformed-json"),
        ({"json": {}}, "invalid-request"),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, "unsupported-media-type"),
        ({"json": {"query": "x" * 70_000}}, "body-too-large"),
        ({"json": QUESTION, "headers": {"origin": "https://evil.example"}}, "origin-not-allowed"),
    ],
)
def test_what_cannot_be_served_is_a_problem(
    url: str, request_: dict[str, object], expected: str
) -> None:
    response = httpx.post(f"{url}/chat", **request_)  # type: ignore[arg-type]
    status, slug = problem_of(response)
    assert slug == expected
    assert 400 <= status < 500


def test_an_unknown_path_and_method_are_problems(url: str) -> None:
    assert problem_of(httpx.post(f"{url}/nope")) == (404, "not-found")
    assert problem_of(httpx.delete(f"{url}/chat")) == (405, "method-not-allowed")


def test_an_allowed_page_may_ask(url: str) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert httpx.options(f"{url}/chat", headers=headers).status_code == 204
    response = httpx.post(f"{url}/chat", json=QUESTION, headers={"Origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == ORIGIN


def test_a_request_is_logged_where_the_framework_switches_loggers_off(
    variables: dict[str, str], empty_folder: Path, tmp_path: Path
) -> None:
    as_google_sets_it = variables | {"LOG_EXECUTION_ID": "true"}
    log = tmp_path / "log"
    with functions_framework(
        "chat", as_google_sets_it, cwd=empty_folder, log=log, covered=True
    ) as url:
        asked = httpx.post(f"{url}/chat", json=QUESTION, timeout=20)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    assert asked.headers["x-request-id"] in {line.get("request_id") for line in lines}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"GEMINI_API_KEY": ""}, (503, "assistant-unavailable")),
        ({"QDRANT_HOST": "UNREACHABLE"}, (503, "index-unavailable")),
        ({"QDRANT_COLLECTION_NAME": "nothing-here"}, (503, "index-unavailable")),
        ({"EMBEDDING_MODEL": "gemini-embedding-2"}, (503, "assistant-unavailable")),
        ({"GENERATIVE_MODEL": "gemini-1.5-flash"}, (503, "assistant-unavailable")),
        ({"ABSTAIN_BELOW": "often"}, (503, "assistant-unavailable")),
    ],
)
def test_a_wrong_set_up_is_a_503_whose_cause_only_the_log_has(
    variables: dict[str, str],
    change: dict[str, str],
    expected: tuple[int, str],
    empty_folder: Path,
    tmp_path: Path,
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    wrong = {name: value.replace("UNREACHABLE", nobody) for name, value in change.items()}
    log = tmp_path / "log"
    with functions_framework(
        "chat", variables | wrong, cwd=empty_folder, log=log, covered=True
    ) as url:
        for accept in ("application/json", "text/event-stream"):
            response = httpx.post(
                f"{url}/chat", json=QUESTION, headers={"Accept": accept}, timeout=20
            )
            assert problem_of(response) == expected
            assert response.headers["retry-after"]
            for name, value in wrong.items():
                assert name not in response.text
                assert not value or value not in response.text
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"problem"' in line]
    assert len(lines) >= 2
    assert all(line["severity"] in {"ERROR", "CRITICAL"} for line in lines)
    assert all(line["cause"] for line in lines)
    assert "test-key" not in log.read_text()
    assert QUESTION["query"] not in log.read_text()
