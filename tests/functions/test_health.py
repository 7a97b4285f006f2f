"""The health function as a probe meets it."""

import json
from pathlib import Path

import httpx
import pytest

from tests.servers import free_port, functions_framework

OK = {"configuration": "ok", "secrets": "ok", "index": "ok", "gemini": "ok"}


def test_a_complete_set_up_is_ready(variables: dict[str, str], empty_folder: Path) -> None:
    with functions_framework("health", variables, cwd=empty_folder, covered=True) as url:
        response = httpx.get(f"{url}/health", timeout=20)
        assert response.status_code == 200
        assert response.json() == {"status": "ok", "checks": OK}
        assert httpx.head(f"{url}/health").status_code == 200
        assert httpx.get(f"{url}/").status_code == 200
        assert httpx.get(f"{url}/nope").status_code == 404


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"GEMINI_API_KEY": ""}, {"configuration": "misconfigured"}),
        ({"ALLOWED_ORIGINS": "*"}, {"configuration": "misconfigured"}),
        ({"QDRANT_HOST": "UNREACHABLE"}, {"index": "unreachable"}),
        ({"QDRANT_COLLECTION_NAME": "nothing-here"}, {"index": "collection-missing"}),
        ({"GENERATIVE_MODEL": "gemini-1.5-flash"}, {"gemini": "model-missing"}),
        (
            {
                "GEMINI_API_KEY": "",
                "GEMINI_API_KEY_SECRET": "projects/p/secrets/s/versions/latest",
                "SECRET_MANAGER_BASE_URL": "UNREACHABLE",
            },
            {"secrets": "secrets-unavailable"},
        ),
    ],
)
def test_the_failing_part_is_named_and_nothing_leaks(
    variables: dict[str, str],
    change: dict[str, str],
    failing: dict[str, str],
    empty_folder: Path,
    tmp_path: Path,
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    wrong = {name: value.replace("UNREACHABLE", nobody) for name, value in change.items()}
    log = tmp_path / "log"
    with functions_framework(
        "health", variables | wrong, cwd=empty_folder, log=log, covered=True
    ) as url:
        response = httpx.get(f"{url}/health", timeout=20)
        assert httpx.get(f"{url}/health/live").status_code == 200
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert {part: state for part, state in checks.items() if part in failing} == failing
    others = set(checks.values()) - set(failing.values())
    assert others <= {"ok", "unknown"}
    for value in wrong.values():
        assert not value or value not in response.text
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    part = next(iter(failing))
    assert any(line.get("part") == part and line["cause"] for line in lines)
    assert "test-key" not in log.read_text()


def test_liveness_needs_nothing(empty_folder: Path) -> None:
    with functions_framework("health", {}, cwd=empty_folder, covered=True) as url:
        response = httpx.get(f"{url}/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
