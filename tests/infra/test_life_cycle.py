"""Plan, apply, plan again, destroy: nothing secret is kept and nothing is left."""

import json
import zipfile
from dataclasses import dataclass

import pytest

from tests.infra.conftest import EVERYTHING, SECRETS, SMALLEST, NewWorkspace
from tests.infra.workspace import GOOGLE_VERSIONS, Plan, Workspace


@dataclass(frozen=True)
class Life:
    """One deployment, from its plan to its end.

    Attributes:
        written: everything that terraform wrote while it existed, by file name.
        outputs: name → value after the apply.
    """

    plan: Plan
    written: dict[str, bytes]
    outputs: dict[str, object]
    second_plan: str
    left: list[object]


@pytest.fixture(
    scope="module",
    params=[(google, case) for google in GOOGLE_VERSIONS for case in ("balancer", "functions")],
    ids="-".join,
)
def life(request: pytest.FixtureRequest, stand_in: None, new_workspace: NewWorkspace) -> Life:
    google, case = request.param
    workspace = new_workspace(google)
    plan = workspace.plan(EVERYTHING if case == "balancer" else SMALLEST, SECRETS)
    variables = "-var-file=test.tfvars.json"
    workspace.run("apply", "-input=false", "plan", secrets=SECRETS)
    written = _files(workspace)
    outputs = json.loads(workspace.run("output", "-json"))
    again = workspace.run("plan", "-input=false", "-detailed-exitcode", variables, secrets=SECRETS)
    workspace.run("destroy", "-auto-approve", "-input=false", variables, secrets=SECRETS)
    state = json.loads((workspace.folder / "terraform.tfstate").read_text())
    values = {name: output["value"] for name, output in outputs.items()}
    return Life(plan, written, values, again, state["resources"])


def _files(workspace: Workspace) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in workspace.folder.glob("*tfstate*")}
    with zipfile.ZipFile(workspace.folder / "plan") as plan:
        return files | {f"plan/{name}": plan.read(name) for name in plan.namelist()}


def test_neither_state_nor_plan_holds_a_secret(life: Life) -> None:
    assert {"terraform.tfstate", "plan/tfplan"} <= set(life.written)
    texts = {**life.written, "plan.json": json.dumps(life.plan.content).encode()}
    for name, content in texts.items():
        for secret in SECRETS.values():
            assert secret.encode() not in content, name


def test_a_second_plan_changes_nothing(life: Life) -> None:
    # `-detailed-exitcode` exits with 2 where something would change, and with 0 here.
    assert "No changes." in life.second_plan


def test_destroy_leaves_nothing_in_the_state(life: Life) -> None:
    assert life.left == []


def test_every_output_has_a_value(life: Life) -> None:
    assert life.outputs
    assert [name for name, value in life.outputs.items() if value is None] == []


def test_the_three_secrets_are_written(life: Life) -> None:
    versions = list(life.plan.resources("google_secret_manager_secret_version"))
    assert len(versions) == len(SECRETS)
    assert {values["secret_data_wo_version"] for _, values in versions} <= {"1", 1}
