"""Terraform's tests take minutes and need terraform, so `make test-infra` runs them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functions.conftest import gemini_url, variables  # noqa: F401 - fixtures
from tests.functions.test_archives import python  # noqa: F401 - a fixture
from tests.infra.workspace import GOOGLE_VERSIONS, Plan, Workspace

if not os.environ.get("DOCCHAT_TEST_INFRA"):
    collect_ignore = [
        "test_archives.py",
        "test_configuration.py",
        "test_life_cycle.py",
        "test_plan.py",
        "test_refusals.py",
    ]

SECRETS = {
    "gemini_api_key": "made-up-gemini-key-0123456789",
    "qdrant_api_key": "made-up-qdrant-key-0123456789",
    "api_key": "made-up-caller-key-0123456789",
}
SMALLEST = {
    "project_id": "my-project",
    "qdrant_host": "https://qdrant.example.com:6333",
    "secret_revisions": dict.fromkeys(SECRETS, 1),
}
EVERYTHING = SMALLEST | {
    "domains": ["chat.example.com"],
    "allowed_origins": ["https://lighthouse.example.com"],
    "alert_email": "ops@example.com",
    "analytics": {"enabled": True},
    "budget": {"billing_account": "012345-6789AB-CDEF01", "monthly_amount": 50},
    "settings": {"SITE_NAME": "Lighthouse"},
}

NewWorkspace = Callable[..., Workspace]


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory: pytest.TempPathFactory) -> NewWorkspace:
    """Makes a copy of the configuration, for one version of the Google provider."""

    def make(google: str = GOOGLE_VERSIONS[0]) -> Workspace:
        return Workspace(tmp_path_factory.mktemp("terraform"), google).initialised()

    return make


@pytest.fixture(scope="session")
def stand_in() -> None:
    """For what the real providers would need an account, or would really do."""
    if not os.environ.get("TERRAFORM_OFFLINE"):
        pytest.skip("TERRAFORM_OFFLINE names no stand-in for the providers")


@pytest.fixture(scope="session")
def planned(stand_in: None, new_workspace: NewWorkspace) -> tuple[Workspace, Plan]:
    """A plan of everything, and where its archives are."""
    workspace = new_workspace()
    return workspace, workspace.plan(EVERYTHING, SECRETS)


@pytest.fixture(scope="session")
def plan(planned: tuple[Workspace, Plan]) -> Plan:
    return planned[1]


@pytest.fixture
def checkov() -> Path:
    """The scanner, in an environment of its own that `make test-infra` makes."""
    return Path(os.environ["CHECKOV"])
