"""The functions ship what was tested: their requirements are part of the one lock."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
Pins = dict[str, tuple[str, frozenset[str]]]


def pins(path: Path) -> Pins:
    """Name and marker → version and hashes."""
    found: Pins = {}
    for entry in path.read_text().replace("\\\n", "").splitlines():
        if match := re.match(r"([\w.-]+)==(\S+)(?: ; (.*?))?(?=\s+--hash|$)", entry):
            hashes = frozenset(re.findall(r"--hash=(\S+)", entry))
            found[f"{match[1]} ; {match[3]}"] = match[2], hashes
    return found


OWN_AND_MCP = ("functions/chat/requirements", "requirements/mcp")
LOCK = pins(ROOT / "requirements/dev.txt")


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[ ]", text)[0].lower() for text in requirements}


@pytest.mark.parametrize("function", ["chat", "health"])
def test_a_functions_requirements_are_in_the_lock_with_the_same_hashes(function: str) -> None:
    own = pins(ROOT / f"functions/{function}/requirements.txt")
    assert own
    assert {name: LOCK.get(name) for name in own} == own


def test_chatkit_changes_no_version_of_the_function_but_what_its_sdk_cannot_take() -> None:
    own = pins(ROOT / "functions/chat/requirements.txt")
    with_sdk = pins(ROOT / "requirements/chatkit.txt")
    changed = {name.split(" ; ")[0] for name, pin in own.items() if with_sdk.get(name) != pin}
    assert changed == {"websockets"}  # openai-agents takes none from 17 on; docchat uses none


def test_mcp_changes_no_version_of_the_function() -> None:
    own, with_sdk = (pins(ROOT / f"{name}.txt") for name in OWN_AND_MCP)
    assert own.items() < with_sdk.items() <= LOCK.items()


def test_a_job_that_indexes_gets_what_was_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = names([*project["dependencies"], *project["optional-dependencies"]["tools"]])
    installed = pins(ROOT / "requirements/tools.txt")
    assert installed.items() <= LOCK.items()
    assert wanted <= {name.split(" ; ")[0].lower() for name in installed}


def test_every_pin_has_hashes() -> None:
    for lock in (
        LOCK,
        *(pins(ROOT / f"requirements/{name}.txt") for name in ("audit", "chatkit", "mutants")),
    ):
        assert all(hashes for _, hashes in lock.values())


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = names(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted |= names(extra)
    assert wanted <= {name.split(" ; ")[0].lower() for name in LOCK}


def test_no_index_address_is_in_the_lock() -> None:
    for name in ("audit.txt", "chatkit.txt", "dev.txt", "mcp.txt", "mutants.txt", "tools.txt"):
        assert "://" not in (ROOT / "requirements" / name).read_text()
