"""Both workflows: pinned, with few rights, and made of the Makefile's targets."""

import re
from collections.abc import Iterator

import pytest

from tests.servers import ROOT
from tests.workflows.workflow import WORKFLOWS, Json, loaded

NAMES = sorted(path.name for path in WORKFLOWS.iterdir())


def steps(name: str) -> Iterator[Json]:
    for job in loaded(name)["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_its_commit(name: str) -> None:
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_command_has_an_expression_in_it(name: str) -> None:
    # GitHub puts it in as text, so a branch's or a file's name would be run.
    assert [step for step in steps(name) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("name", NAMES)
def test_rights_are_granted_job_by_job_and_no_job_may_write_code(name: str) -> None:
    workflow = loaded(name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    granted = [job.get("permissions", {}) for job in workflow["jobs"].values()]
    assert all(rights.get("contents", "read") == "read" for rights in granted)


def test_contributors_and_github_run_the_same_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    run = [step["run"] for step in steps("check.yml") if "run" in step]
    made = {command.removeprefix("make ") for command in run if command.startswith("make ")}
    assert made == {"check", "test", "test-infra", "audit", "sbom"}
    assert made <= targets
