"""A GitHub workflow's `run:` steps, carried out here as a runner would."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.servers import ROOT, clean_environment

WORKFLOWS = ROOT / ".github/workflows"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
Json = dict[str, Any]


def loaded(name: str) -> Json:
    """The workflow; YAML 1.1 takes its key `on` for a boolean."""
    found: dict[object, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    return {("on" if key is True else str(key)): value for key, value in found.items()}


@dataclass(frozen=True)
class Ran:
    """A step that was run."""

    name: str
    code: int
    printed: str


@dataclass(frozen=True)
class Runner:
    """Where a job runs.

    Attributes:
        workspace: the checked-out site, with docchat in `.docchat`.
        event: `pull_request`, `push` or another.
        context: what expressions stand for, such as `inputs.docs`.
        machine: further variables, such as the emulators' addresses.
    """

    workspace: Path
    event: str
    context: dict[str, str]
    machine: dict[str, str]

    def run(self, job: Json, *, installed: str) -> list[Ran]:
        """The steps with a command; after one that failed only those that always run.

        Args:
            job: of the workflow.
            installed: the name of the step that this environment has behind it already.
        """
        ran: list[Ran] = []
        for step in job["steps"]:
            failed = any(done.code for done in ran)
            if "run" in step and step["name"] != installed and self._is_due(step, failed=failed):
                ran.append(self._step(step, job["env"] | step.get("env", {})))
        return ran

    def _is_due(self, step: Json, *, failed: bool) -> bool:
        condition = step.get("if", "")
        if failed and "always()" not in condition:
            return False
        wanted = re.search(r"github\.event_name (==|!=) '(\w+)'", condition)
        if wanted and (self.event == wanted[2]) is (wanted[1] == "!="):
            return False
        file = re.search(r"hashFiles\('(.+?)'\) != ''", condition)
        return not file or (self.workspace / file[1]).exists()

    def _step(self, step: Json, variables: dict[str, str]) -> Ran:
        own = {name: _EXPRESSION.sub(self._value, str(text)) for name, text in variables.items()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=clean_environment({**self.machine, **own, "PATH": path}),
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(step["name"], done.returncode, done.stdout + done.stderr)

    def _value(self, expression: re.Match[str]) -> str:
        return self.context[expression[1]]
