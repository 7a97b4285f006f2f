"""`make demo` and `make ask`, as a person runs them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag

import httpx
import pytest

from scripts import ask
from tests.servers import ROOT, clean_environment, free_port


class Demo:
    def __init__(self, url: str, printed: str) -> None:
        self.url = url
        self.printed = printed


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo, with all that it printed until it was ready."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.serve", "--demo", "--port", str(port)],
        cwd=tmp_path_factory.mktemp("cwd"),
        env=clean_environment({"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}, covered=True),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        assert process.poll() is None, printed
        yield Demo(f"http://127.0.0.1:{port}", printed)
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=15)
    assert process.returncode == ask.OK, rest
    assert "Traceback" not in rest


def test_the_demo_answers_its_sample_question_with_a_source(demo: Demo) -> None:
    assert "[1]" in demo.printed
    assert f"{demo.url}/docs/" in demo.printed
    assert "emulator" in demo.printed


def test_every_source_of_the_demo_leads_to_a_heading_that_exists(demo: Demo) -> None:
    questions = ["What is never logged?", "How do I index my own docs?", "What is the body limit?"]
    links: set[str] = set()
    for question in questions:
        body = httpx.post(f"{demo.url}/chat", json={"query": question}, timeout=30).json()
        links |= {source["url"] for source in body["sources"]}
    assert links
    for link in links:
        address, anchor = urldefrag(link)
        page = httpx.get(address)
        assert page.status_code == 200, link
        assert not anchor or f'id="{anchor}"' in page.text, link


def test_links_between_pages_lead_to_pages(demo: Demo) -> None:
    start = httpx.get(f"{demo.url}/docs/", follow_redirects=True).text
    links = {link for link in re.findall(r'href="([^"]+)"', start) if "/docs/" in link}
    assert len(links) > 3
    with httpx.Client(follow_redirects=True) as client:
        for link in links:
            assert client.get(urldefrag(link)[0]).status_code == 200, link


def test_every_page_has_the_chat(demo: Demo) -> None:
    front = httpx.get(f"{demo.url}/").text
    assert '<docs-chat inline endpoint="/">' in front
    page = httpx.get(f"{demo.url}/docs/quick-start").text
    assert '<script defer src="/assets/docs-chat.js" data-endpoint="/">' in page
    assert httpx.get(f"{demo.url}/assets/docs-chat.js").status_code == 200
    assert httpx.get(f"{demo.url}/docs/img/widget-answer.png").status_code == 200


def test_the_load_balancers_routes_are_served(demo: Demo) -> None:
    assert "Ask the documentation" in httpx.get(f"{demo.url}/").text
    assert httpx.get(f"{demo.url}/health", timeout=30).json()["status"] == "ok"
    assert httpx.get(f"{demo.url}/health/live").status_code == 200
    assert httpx.get(f"{demo.url}/nope").status_code == 404
    assert httpx.get(f"{demo.url}/docs/nope").status_code == 404


def test_the_demos_own_page_may_ask(demo: Demo) -> None:
    response = httpx.options(f"{demo.url}/chat", headers={"Origin": demo.url})
    assert response.headers["access-control-allow-origin"] == demo.url


def test_ask_prints_the_answer_and_its_sources(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask.main(["What is never logged?", "--url", demo.url]) == ask.OK
    printed = capsys.readouterr().out
    assert re.search(r"\[1\].*\n +http://", printed)
    assert "Gemini emulator" in printed


def test_ask_says_when_the_docs_do_not(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask.main(["Who won the 1954 world cup?", "--url", demo.url]) == ask.NO_ANSWER
    assert "could not find" in capsys.readouterr().out


def test_ask_prints_json_for_machines(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask.main(["What is never logged?", "--url", demo.url, "--json"]) == ask.OK
    assert '"outcome": "answered"' in capsys.readouterr().out


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_ask_without_a_server_says_how_to_start_one(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert ask.main(["q", "--url", url, *flags]) == ask.FAILED
    assert "make run" in capsys.readouterr().err


def test_a_refused_question_shows_the_problem(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask.main(["x" * 4001, "--url", demo.url]) == ask.FAILED
    assert "at most 4000 characters" in capsys.readouterr().err


def test_a_taken_port_says_to_set_another(demo: Demo) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "scripts.serve", "--port", demo.url.rpartition(":")[2]],
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        check=False,
        text=True,
        cwd=Path(os.sep),
    )
    assert result.returncode == 2
    assert "set another" in result.stdout
