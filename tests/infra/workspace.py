"""A copy of the Terraform configuration to run terraform in, with the providers it is given."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers import ROOT, clean_environment

GOOGLE_VERSIONS = ("8.7.0", "7.46.1")
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".terraform*", "*.tfstate*", "*.tfvars", "build")
_PIN = """
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "%s"
    }
  }
}
"""


class Workspace:
    """The folders that a deployment needs, laid out as in the repository.

    Attributes:
        folder: where terraform runs.
        repository: holds `functions/`, `docchat/`, `requirements/` and `infra/terraform/`.
    """

    def __init__(self, repository: Path, google: str) -> None:
        self.repository = repository
        self.folder = repository / "infra/terraform"
        self._environment = clean_environment(provider_environment(google))
        for name in ("functions", "docchat", "requirements", "infra/terraform"):
            shutil.copytree(ROOT / name, repository / name, ignore=NOT_COPIED)
        (self.folder / "google_override.tf").write_text(_PIN % google)

    def run(
        self, *arguments: str, secrets: Mapping[str, str] | None = None, expect: int = 0
    ) -> str:
        """What terraform printed; `secrets` are variables that go in by the environment."""
        given = {f"TF_VAR_{name}": value for name, value in (secrets or {}).items()}
        done = subprocess.run(
            ["terraform", *arguments],  # noqa: S607 - the one that `make deploy` would take
            cwd=self.folder,
            env={**self._environment, **given, "TF_CLI_ARGS": "-no-color"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, f"{arguments}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def initialised(self) -> "Workspace":
        """Itself, ready to plan."""
        self.run("init", "-input=false")
        return self

    def plan(self, variables: Mapping[str, object], secrets: Mapping[str, str]) -> "Plan":
        """A plan in the file `plan`, and what it says."""
        (self.folder / "test.tfvars.json").write_text(json.dumps(variables))
        self.run("plan", "-input=false", "-var-file=test.tfvars.json", "-out=plan", secrets=secrets)
        return Plan(json.loads(self.run("show", "-json", "plan")))


class Plan:
    """`terraform show -json` of a plan: what would be made."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def resources(self, kind: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Address and known values of each resource; of one type, if it is given."""
        for resource in self.content["planned_values"]["root_module"]["resources"]:
            if resource["mode"] == "managed" and resource["type"].startswith(kind):
                yield resource["address"], resource["values"]

    def environment(self, function: str) -> dict[str, str]:
        """The environment variables of one of the functions."""
        address = f'google_cloudfunctions2_function.this["{function}"]'
        values = dict(self.resources("google_cloudfunctions2_function"))[address]
        environment: dict[str, str] = values["service_config"][0]["environment_variables"]
        return environment


def provider_environment(google: str) -> dict[str, str]:
    """The variables with which terraform finds its providers: none where it asks the registry."""
    offline = os.environ.get("TERRAFORM_OFFLINE")
    if not offline:
        return {}
    printed = subprocess.run(
        [str(Path(offline).resolve() / "setup.sh")],
        env={**os.environ, "GOOGLE_7": "1" if google.startswith("7.") else "0"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return dict(word.split("=", 1) for word in shlex.split(printed) if "=" in word)
