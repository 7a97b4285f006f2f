"""A wrong variable is refused before anything is made, in words that help."""

import json
from collections.abc import Mapping

import pytest

from tests.infra.conftest import NewWorkspace
from tests.infra.workspace import Workspace

GOOD = {"project_id": "my-project", "qdrant_host": "https://qdrant.example.com"}

# Variable → a wrong value → what the refusal says.
WRONG: dict[str, tuple[object, str]] = {
    "alert_email": ("nobody", "such as ops@example.com"),
    "allowed_origins": (
        ["https://*.example.com"],
        "exact origins such as https://docs.example.com",
    ),
    "armor": ({"ban_seconds": 61}, "one of 60, 120, 180"),
    "budget": ({"billing_account": "mine", "monthly_amount": 5}, "gcloud billing accounts list"),
    "chat": ({"memory": "lots"}, "chat.memory must look like 512Mi or 1Gi"),
    "dns_zone": ("example.com", "gcloud dns managed-zones list"),
    "health": ({"cpu": "0.5"}, "below 1 Cloud Run allows a concurrency of 1 only"),
    "name": ("My_Docs", "3 to 20 characters"),
    "project_id": ("My Project", "not the display name and not the number"),
    "qdrant_host": ("path:.local/index", "cannot be shared by a function's instances"),
    "region": ("europe-west1-b", "not a zone"),
    "runtime": ("python27", "python311, python312 or python313"),
}
WRONG_SECRETS = {
    "gemini_api_key": ("", "a key from Google AI Studio has about 40 characters"),
    "qdrant_api_key": ("two words here", "no spaces or line breaks"),
    "api_key": ("too-short", "16 characters or more"),
}


@pytest.fixture(scope="module")
def workspace(new_workspace: NewWorkspace) -> Workspace:
    return new_workspace()


def refusals(
    workspace: Workspace, variables: Mapping[str, object], secrets: Mapping[str, str]
) -> list[str]:
    """What a plan with these variables complains about; it fails, so nothing is made."""
    (workspace.folder / "wrong.tfvars.json").write_text(json.dumps({**GOOD, **variables}))
    arguments = ["plan", "-json", "-input=false", "-var-file=wrong.tfvars.json"]
    lines = workspace.run(*arguments, secrets=secrets, expect=1).splitlines()
    messages = [json.loads(line) for line in lines if line.startswith("{")]
    return [m["diagnostic"]["detail"] for m in messages if m["type"] == "diagnostic"]


@pytest.fixture(scope="module")
def refused(workspace: Workspace) -> list[str]:
    """All at once: Terraform reports every variable that is wrong."""
    variables = {name: value for name, (value, _) in WRONG.items()}
    secrets = {name: value for name, (value, _) in WRONG_SECRETS.items()}
    return refusals(workspace, variables, secrets)


@pytest.mark.parametrize("name", [*WRONG, *WRONG_SECRETS])
def test_a_wrong_variable_is_refused_with_what_to_set(name: str, refused: list[str]) -> None:
    words = {**WRONG, **WRONG_SECRETS}[name][1]
    assert any(name in detail and words in detail for detail in refused), refused


def test_no_refusal_quotes_a_secret(refused: list[str]) -> None:
    values = [value for value, _ in WRONG_SECRETS.values() if value]
    assert not [d for d in refused if any(value in d for value in values)]


def test_a_domain_with_a_scheme_is_refused(workspace: Workspace) -> None:
    details = refusals(workspace, {"domains": ["https://chat.example.com"]}, {})
    assert any("without https://" in detail for detail in details)


def test_a_setting_that_does_not_exist_is_refused_with_those_that_do(workspace: Workspace) -> None:
    details = refusals(workspace, {"settings": {"CHAT_MOD": "off"}}, {})
    assert any("CHAT_MOD. It may have" in detail and "CHAT_MODE" in detail for detail in details)


def test_a_time_out_before_docchats_own_deadline_is_refused(workspace: Workspace) -> None:
    for wrong in ({"chat": {"timeout_seconds": 55}}, {"settings": {"ANSWER_DEADLINE_S": "60"}}):
        details = refusals(workspace, wrong, {})
        assert any("docchat's own deadline must come first" in detail for detail in details)


def test_a_key_and_its_revision_must_come_together(workspace: Workspace) -> None:
    details = refusals(
        workspace,
        {"secret_revisions": {"gemini_api_key": 1}},
        {"qdrant_api_key": "made-up-qdrant-key"},
    )
    assert any("set both TF_VAR_gemini_api_key and" in detail for detail in details)
    assert any("set both TF_VAR_qdrant_api_key and" in detail for detail in details)


def test_without_a_qdrant_server_the_other_way_is_named(workspace: Workspace) -> None:
    details = refusals(workspace, {"qdrant_host": None}, {})
    assert any('Without a Qdrant server, set index = "artifact"' in detail for detail in details)
    details = refusals(workspace, {"index": "artifact"}, {})
    assert any("with an artifact there is no Qdrant server" in detail for detail in details)


def test_what_is_required_is_asked_for_by_name(workspace: Workspace) -> None:
    (workspace.folder / "empty.tfvars.json").write_text("{}")
    arguments = ["plan", "-input=false", "-var-file=empty.tfvars.json"]
    printed = workspace.run(*arguments, expect=1)
    said = " ".join(printed.replace("│", " ").split())
    assert 'The root module input variable "project_id" is not set' in said
