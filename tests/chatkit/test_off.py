"""Without ChatKit: nothing of it is imported, shipped or served."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.chatkit.conftest import Json, lines_of, problem_of
from tests.servers import ROOT, clean_environment, functions_framework

HELLO: Json = {"type": "threads.list", "params": {}}
OF_CHATKIT = ("agents", "chatkit", "mcp", "openai")
OURS = ("docchat.web.chatkit", "docchat.providers.qdrant_threads")
PROGRAM = f"""
import json, sys
import functions_framework.aio, httpx
from emulators.server import serve_in_thread
app = functions_framework.aio.create_asgi_app("chat", "functions/chat/main.py")
with serve_in_thread(app) as url:
    question = {{"query": "How do I create a new signing key?"}}
    asked = httpx.post(url + "/chat", json=question, timeout=60)
    refused = httpx.post(url + "/chatkit", json={HELLO!r}, timeout=60)
assert asked.json()["outcome"] == "answered" and refused.status_code == 404
print(json.dumps([name for name in {OF_CHATKIT + OURS!r} if name in sys.modules]))
"""


def names(requirements: Path) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", requirements.read_text(), flags=re.MULTILINE))


def test_with_chatkit_off_not_one_of_its_modules_is_imported(
    configuration: dict[str, str],
) -> None:
    off = {name: value for name, value in configuration.items() if name != "CHATKIT"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=clean_environment(off),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_functions_own_requirements_have_nothing_of_chatkit() -> None:
    own, with_sdk = (
        names(ROOT / "functions/chat/requirements.txt"),
        names(ROOT / "requirements/chatkit.txt"),
    )
    assert own < with_sdk
    assert {"openai-agents", "openai-chatkit"} <= with_sdk - own
    assert not own & {"mcp", "openai", "openai-agents", "openai-chatkit"}


def test_switched_off_it_is_a_problem_that_says_so(
    configuration: dict[str, str], empty_folder: Path
) -> None:
    off = configuration | {"CHATKIT": "off"}
    with functions_framework("chat", off, cwd=empty_folder) as url:
        response = httpx.post(f"{url}/chatkit", json=HELLO, timeout=60)
    assert problem_of(response) == (404, "not-found")
    assert response.json()["detail"].startswith("ChatKit is switched off here.")


def test_it_is_off_with_the_chat(configuration: dict[str, str], empty_folder: Path) -> None:
    off = configuration | {"CHAT_MODE": "off"}
    with functions_framework("chat", off, cwd=empty_folder) as url:
        response = httpx.post(f"{url}/chatkit", json=HELLO, timeout=60)
    assert problem_of(response) == (503, "switched-off")


def test_without_its_packages_it_is_a_problem_whose_cause_the_log_has(
    configuration: dict[str, str], empty_folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with functions_framework("chat", configuration, cwd=empty_folder, log=log) as url:
        response = httpx.post(f"{url}/chatkit", json=HELLO, timeout=60)
        assert httpx.post(f"{url}/chat", json={"query": "Hello"}, timeout=60).status_code == 200
    assert problem_of(response) == (503, "assistant-unavailable")
    cause = lines_of(log, "request")[1]["cause"]
    assert cause == "CHATKIT=on needs the packages of requirements/chatkit.txt: no chatkit"
    assert "Traceback" not in log.read_text()
