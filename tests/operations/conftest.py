"""The procedures of docs/operations.md, and a site to carry them out on."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.sites import SITE_URL, Sites
from tests.servers import ROOT, clean_environment, functions_framework

PAGE = (ROOT / "docs/operations.md").read_text()
QUESTION = "How do I create a new signing key?"
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Procedure:
    """A section of the page: its commands, and the settings it says to deploy."""

    commands: list[str]
    settings: dict[str, str]

    @classmethod
    def named(cls, anchor: str) -> "Procedure":
        section = PAGE.split(f"{{#{anchor}}}\n", 1)[1].split("\n## ", 1)[0]
        blocks = [(kind, code) for _, kind, code in _FENCE.findall(section)]
        commands = [code for kind, code in blocks if kind == "sh"]
        told = "".join(code for kind, code in blocks if kind == "hcl")
        return cls(commands, dict(re.findall(r'(\w+) = "([^"]*)"', told)))


@dataclass(frozen=True)
class Shop:
    """A documentation site's chat, with emulators behind it.

    Attributes:
        sites: Gemini, a Qdrant server and Secret Manager.
        folder: the working folder of the commands; `docs` in it is the site.
    """

    sites: Sites
    folder: Path

    @contextmanager
    def deployed(self, **settings: str) -> Iterator["Deployed"]:
        """The chat function, with these settings on top."""
        log = self.folder / f"printed-{len(list(self.folder.glob('printed-*')))}.log"
        variables = {**self.sites.environment, "RATE_LIMIT_PER_MINUTE": "0", **settings}
        with functions_framework("chat", variables, cwd=self.folder, log=log) as url:
            yield Deployed(url, log)

    @contextmanager
    def health(self, **settings: str) -> Iterator[str]:
        """The health function's address, with these settings on top."""
        variables = {**self.sites.environment, **settings}
        with functions_framework("health", variables, cwd=self.folder) as url:
            yield f"{url}/health"

    def run(self, command: str, **variables: str) -> str:
        """What the command prints; fails where it does, as in a job with `set -e`."""
        program = command.replace(".venv/bin/python", sys.executable)
        site = {"DOCS": str(self.folder / "docs"), "SITE_URL": SITE_URL, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", program],
            cwd=self.folder,
            env=clean_environment(self.sites.environment | site | variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()


@dataclass(frozen=True)
class Deployed:
    """A chat function as it runs."""

    url: str
    log: Path

    def ask(self, question: str = QUESTION) -> dict[str, Any]:
        """The whole answer, or the problem."""
        response = httpx.post(f"{self.url}/chat", json={"query": question}, timeout=60)
        body: dict[str, Any] = response.json()
        return body


@pytest.fixture(scope="session", autouse=True)
def jq() -> None:
    if not shutil.which("jq"):
        pytest.skip("SKIPPED: apt-get install jq")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(ROOT / "tests/site", folder / "docs")
    variables = {"GEMINI_API_KEY": "an-operators-key", "PATH": os.environ["PATH"]}
    with ExitStack() as stack:
        yield Shop(Sites(variables, {}, folder, stack), folder)
