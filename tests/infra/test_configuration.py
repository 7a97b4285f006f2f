"""Terraform's own checks, on both versions of the Google provider."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.conftest import SECRETS, NewWorkspace
from tests.infra.workspace import GOOGLE_VERSIONS, Workspace
from tests.servers import ROOT


@pytest.fixture(scope="module", params=GOOGLE_VERSIONS)
def workspace(request: pytest.FixtureRequest, new_workspace: NewWorkspace) -> Workspace:
    return new_workspace(request.param)


def test_the_configuration_is_formatted_and_valid(workspace: Workspace) -> None:
    workspace.run("fmt", "-check", "-recursive")
    assert json.loads(workspace.run("validate", "-json"))["diagnostics"] == []


def test_terraforms_own_tests_pass(workspace: Workspace) -> None:
    assert "0 failed" in workspace.run("test")


def test_the_example_needs_no_more_than_filling_in(stand_in: None, workspace: Workspace) -> None:
    given = {"gemini_api_key": SECRETS["gemini_api_key"]}
    said = workspace.run(
        "plan", "-input=false", "-var-file=terraform.tfvars.example", secrets=given
    )
    assert re.search(r"Plan: \d+ to add, 0 to change, 0 to destroy", said)


def test_only_providers_of_hashicorp_are_used_and_no_beta(workspace: Workspace) -> None:
    tree = workspace.run("providers")
    assert "hashicorp/google]" in tree
    assert "beta" not in tree


def test_checkov_finds_nothing(checkov: Path) -> None:
    command = [str(checkov), "--directory", str(ROOT / "infra/terraform")]
    options = ["--framework", "terraform", "--output", "json", "--quiet", "--skip-download"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["results"]["failed_checks"] == []
    assert report["summary"]["passed"] > 0
    assert report["summary"]["parsing_errors"] == 0
