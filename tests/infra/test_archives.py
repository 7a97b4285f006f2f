"""The archives that an apply uploads: complete, the same everywhere, and able to answer alone."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from emulators.secret_manager import create_app
from emulators.server import serve_in_thread
from tests.infra.conftest import SECRETS, SMALLEST, NewWorkspace
from tests.infra.workspace import Plan, Workspace
from tests.servers import functions_framework

Planned = tuple[Workspace, Plan]


def unpacked(workspace: Workspace, function: str, folder: Path) -> Path:
    with zipfile.ZipFile(workspace.folder / f"build/{function}.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def secret_manager() -> Iterator[str]:
    """Holds the keys under the names that Terraform gives them."""
    values = {f"docchat-{k.replace('_', '-')}": [v.encode()] for k, v in SECRETS.items()}
    with serve_in_thread(create_app(values)) as url:
        yield url


def deployed(
    plan: Plan, function: str, variables: dict[str, str], secret_manager: str
) -> dict[str, str]:
    """Terraform's environment, with the emulators in place of the services."""
    local = {name: variables[name] for name in ("GEMINI_BASE_URL", "QDRANT_HOST")}
    environment = plan.environment(function) | local
    return environment | {"SECRET_MANAGER_BASE_URL": secret_manager}


def test_each_archive_alone_answers_with_terraforms_own_environment(
    planned: Planned,
    python: Path,
    variables: dict[str, str],
    secret_manager: str,
    tmp_path: Path,
) -> None:
    workspace, plan = planned
    chat = unpacked(workspace, "chat", tmp_path / "chat")
    environment = deployed(plan, "chat", variables, secret_manager)
    log = tmp_path / "chat.log"
    with functions_framework("chat", environment, source=chat, python=python, log=log) as url:
        question = {"query": "How do I create a new signing key?"}
        answer = httpx.post(f"{url}/chat", json=question, timeout=20)
        assert answer.json().get("outcome") == "answered", answer.text
        # The key of /v1 arrived, too: without it, the route would not exist.
        assert httpx.get(f"{url}/v1/models").status_code == 401
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert "answered" in {line.get("outcome") for line in lines}
    health = unpacked(workspace, "health", tmp_path / "health")
    environment = deployed(plan, "health", variables, secret_manager)
    with functions_framework("health", environment, source=health, python=python) as url:
        assert httpx.get(f"{url}/health/live").status_code == 200
        assert httpx.get(f"{url}/health", timeout=20).json()["status"] == "ok"


def test_an_archive_holds_the_function_and_docchat_and_nothing_else(planned: Planned) -> None:
    workspace, _ = planned
    for function in ("chat", "health"):
        with zipfile.ZipFile(workspace.folder / f"build/{function}.zip") as archive:
            names = set(archive.namelist())
        shipped = (workspace.repository / "docchat").rglob("*.py")
        wanted = {str(path.relative_to(workspace.repository)) for path in shipped}
        assert names == wanted | {"main.py", "requirements.txt"}


def test_optional_packages_come_into_the_chat_functions_requirements_where_they_are_on(
    stand_in: None, new_workspace: NewWorkspace, tmp_path: Path
) -> None:
    workspace = new_workspace()
    for on, wanted in (
        ((), "functions/chat/requirements.txt"),
        (("MCP",), "requirements/mcp.txt"),
        (("CHATKIT", "MCP"), "requirements/chatkit.txt"),
    ):
        switches = dict.fromkeys(on, "on")
        workspace.plan(SMALLEST | {"settings": switches}, SECRETS)
        folder = tmp_path / "-".join(("with", *on))
        chat = unpacked(workspace, "chat", folder / "chat") / "requirements.txt"
        assert chat.read_text() == (workspace.repository / wanted).read_text()
        health = unpacked(workspace, "health", folder / "health") / "requirements.txt"
        own = workspace.repository / "functions/health/requirements.txt"
        assert health.read_text() == own.read_text()


def object_names(workspace: Workspace) -> dict[str, str]:
    plan = workspace.plan(SMALLEST, SECRETS)
    return {
        address: values["name"]
        for address, values in plan.resources("google_storage_bucket_object")
    }


def test_a_change_deploys_the_functions_that_it_concerns(
    stand_in: None, new_workspace: NewWorkspace
) -> None:
    workspace = new_workspace()
    chat, health = (f'google_storage_bucket_object.source["{n}"]' for n in ("chat", "health"))
    before = object_names(workspace)

    cache = workspace.repository / "docchat/__pycache__"
    cache.mkdir()
    (cache / "settings.cpython-311.pyc").write_bytes(b"\x00")
    (workspace.repository / "functions/chat/.DS_Store").write_bytes(b"\x00")
    with (workspace.repository / "functions/health/main.py").open("a") as entry_point:
        entry_point.write("# changed\n")
    after_health = object_names(workspace)
    assert after_health[chat] == before[chat]
    assert after_health[health] != before[health]

    with (workspace.repository / "docchat/errors.py").open("a") as shared:
        shared.write("# changed\n")
    after_shared = object_names(workspace)
    assert after_shared[chat] != before[chat]
    assert after_shared[health] != after_health[health]
