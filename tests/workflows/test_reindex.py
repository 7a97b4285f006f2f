"""The workflow that keeps a site's index fresh, run against emulators of all it talks to."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulators import gcs, gemini, secret_manager
from emulators.server import serve_in_thread
from tests.servers import ROOT
from tests.workflows.workflow import Json, Ran, Runner, loaded

JOB: Json = loaded("reindex.yml")["jobs"]["index"]
INSTALL = "Install the indexer"
SITE_URL = "https://lighthouse.example.com/docs"
GEMINI_KEY = "a-key-for-the-job"
COMMENTS = "/repos/example/site/issues/7/comments"


@dataclass
class GitHub:
    """The comments of a pull request, as GitHub's API keeps them."""

    comments: dict[int, str] = field(default_factory=lambda: {1: "Looks good to me"})

    def app(self) -> Starlette:
        routes = [
            Route(COMMENTS, self.listed),
            Route(COMMENTS, self.written, methods=["POST"]),
            Route("/repos/example/site/issues/comments/{id:int}", self.written, methods=["PATCH"]),
        ]
        return Starlette(routes=routes)

    async def listed(self, _: Request) -> JSONResponse:
        return JSONResponse([{"id": n, "body": text} for n, text in self.comments.items()])

    async def written(self, request: Request) -> JSONResponse:
        assert request.headers["authorization"] == "Bearer a-token"
        number = request.path_params.get("id", len(self.comments) + 1)
        self.comments[number] = (await request.json())["body"]
        return JSONResponse({"id": number}, status_code=200)


@dataclass(frozen=True)
class Site:
    """A docs repository on a runner."""

    workspace: Path
    machine: dict[str, str]
    github: GitHub
    bucket: str

    def job(self, event: str, **inputs: str) -> list[Ran]:
        """Run the workflow's job for an event; the report of an earlier one is not there."""
        defaults = {
            name: str(given["default"])
            for name, given in loaded("reindex.yml")["on"]["workflow_call"]["inputs"].items()
            if "default" in given
        }
        secret = "projects/p/secrets/gemini/versions/latest"
        ours = {"site_url": SITE_URL, "index": "gs://lighthouse", "gemini_api_key_secret": secret}
        context = {f"inputs.{name}": v for name, v in {**defaults, **ours, **inputs}.items()}
        context |= {"github.workspace": str(self.workspace), "github.token": "a-token"}
        context |= {"github.event.number": "7"}
        self.report.unlink(missing_ok=True)
        return Runner(self.workspace, event, context, self.machine).run(JOB, installed=INSTALL)

    @property
    def report(self) -> Path:
        return self.workspace / ".docchat/report.md"

    @property
    def page(self) -> Path:
        return self.workspace / "docs/guides/rotate-keys.md"

    def published(self) -> Json | None:
        """The manifest that the functions read; None where nothing is published."""
        got = httpx.get(f"{self.bucket}/lighthouse/docs/manifest.json")
        found: Json | None = got.json() if got.status_code == 200 else None
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(ROOT / "tests/site", tmp_path / "docs")
    (tmp_path / ".docchat").mkdir()
    for package in ("docchat", "emulators", "scripts"):
        (tmp_path / ".docchat" / package).symlink_to(ROOT / package)
    github = GitHub()
    with ExitStack() as stack:
        apps = (
            gemini.create_app({GEMINI_KEY}),
            secret_manager.create_app({"gemini": [GEMINI_KEY.encode()]}),
            gcs.create_app(),
            github.app(),
        )
        urls = [stack.enter_context(serve_in_thread(app)) for app in apps]
        names = ("GEMINI_BASE_URL", "SECRET_MANAGER_BASE_URL", "STORAGE_BASE_URL", "GITHUB_API_URL")
        machine = {
            **dict(zip(names, urls, strict=True)),
            "GITHUB_REPOSITORY": "example/site",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }
        yield Site(tmp_path, machine, github, urls[2])


def test_a_pull_request_is_told_what_would_change_in_one_comment_and_nothing_is_written(
    site: Site,
) -> None:
    ran = site.job("pull_request")
    assert [(step.name, step.code) for step in ran] == [
        ("Say what would change", 0),
        ("Show the report", 0),
        ("Comment on the pull request", 0),
    ]
    assert site.published() is None
    mine = site.github.comments[2]
    assert mine.startswith("<!-- docchat index -->\n### The index would change\n")
    assert "| 3 | 5 | 5 | 0 | 0 |" in mine
    site.page.write_text(site.page.read_text() + "\nOne sentence more.\n")
    assert not any(step.code for step in site.job("pull_request"))
    assert list(site.github.comments) == [1, 2]
    assert site.github.comments[1] == "Looks good to me"


def test_a_push_publishes_and_shows_the_report(site: Site) -> None:
    ran = site.job("push")
    assert [(step.name, step.code) for step in ran] == [("Publish", 0), ("Show the report", 0)]
    assert site.published()
    summary = (site.workspace / "summary.md").read_text()
    assert "### The index was published" in summary
    assert list(site.github.comments) == [1]
    # Once it is published, a pull request is compared with it.
    site.page.write_text(site.page.read_text().replace("once a year", "twice a year"))
    assert not any(step.code for step in site.job("pull_request"))
    assert "| 3 | 5 | 1 | 4 | 1 |" in site.github.comments[2]


def test_a_run_that_is_refused_fails_the_job_and_says_why(site: Site) -> None:
    assert not any(step.code for step in site.job("push"))
    before = site.published()
    (site.workspace / "docs/bad`<b>`.md").write_bytes(b"\x00\x01")
    dry = site.job("pull_request", options="--strict --block-secrets")
    assert [step.code for step in dry] == [3, 0, 0]
    comment = site.github.comments[2]
    assert "### The index run would fail" in comment
    assert r"bad\`\<b\>\`.md: not a text file" in comment
    real = site.job("push", options="--strict")
    assert [(step.name, step.code) for step in real] == [("Publish", 3), ("Show the report", 0)]
    assert site.published() == before


def test_a_key_that_is_refused_fails_the_job(site: Site) -> None:
    wrong = "projects/p/secrets/no-such-secret/versions/latest"
    publish, shown = site.job("push", gemini_api_key_secret=wrong)
    assert (publish.code, shown.code) == (1, 0)
    assert GEMINI_KEY not in publish.printed
    assert site.published() is None


def test_a_comment_that_github_refuses_fails_the_job(site: Site) -> None:
    machine = site.machine | {"GITHUB_REPOSITORY": "example/another"}
    ran = Site(site.workspace, machine, site.github, site.bucket).job("pull_request")
    assert [step.code != 0 for step in ran] == [False, False, True]
