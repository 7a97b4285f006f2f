"""Docusaurus builds docchat's docs with the plugin. It takes minutes: `make test-docusaurus`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from starlette.staticfiles import StaticFiles

from emulators.server import serve_in_thread
from tests.functions.conftest import (  # noqa: F401 - fixtures
    empty_folder,
    gemini_url,
    variables,
)
from tests.servers import functions_framework
from tests.widget import npm
from tests.widget.conftest import Visit, watched

FOLDER = Path(__file__).parent / "docusaurus"
QUESTION = "How do I create a new signing key?"

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("DOCCHAT_TEST_DOCUSAURUS") != "1",
        reason="SKIPPED: minutes; run make test-docusaurus",
    ),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def docs_site(
    tools: None,
    variables: dict[str, str],  # noqa: F811 - the fixtures
    empty_folder: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The built site's address; the chat is another origin."""
    out = tmp_path_factory.mktemp("site")
    npm.install(FOLDER)
    with serve_in_thread(StaticFiles(directory=out, html=True)) as origin:
        allowed = {**variables, "ALLOWED_ORIGINS": origin}
        with functions_framework("chat", allowed, cwd=empty_folder) as endpoint:
            build = ("npm", "run", "build", "--", "--out-dir", str(out))
            npm.run("env", f"ENDPOINT={endpoint}", *build, folder=FOLDER)
            yield origin


@pytest.fixture
def visit(docs_site: str, context: BrowserContext) -> Iterator[Visit]:
    visited = watched(context.new_page(), docs_site)
    yield visited
    assert visited.troubles == []


def test_the_chat_answers_on_a_built_page_and_survives_the_sites_navigation(visit: Visit) -> None:
    visit.go("/quick-start/").open().ask(QUESTION).until("done")
    expect(visit.answer).to_contain_text("lighthouse key create")
    visit.page.get_by_role("link", name="How it works").first.click()
    visit.page.wait_for_url(re.compile("/how-it-works/?$"))
    expect(visit.answer).to_contain_text("lighthouse key create")
    with visit.page.expect_request(lambda request: request.method == "POST") as asked:
        visit.ask("And when do I remove it?")
    body = asked.value.post_data_json
    assert body is not None
    assert (body["page"]["version"], body["page"]["locale"]) == ("current", "en")
    visit.until("done")


def test_it_speaks_german_on_the_german_site(visit: Visit) -> None:
    visit.go("/de/quick-start/")
    expect(visit.page.locator(".launcher")).to_have_text("KI fragen")


def test_it_is_as_dark_as_the_site(visit: Visit) -> None:
    visit.go("/quick-start/").open()
    surface = "panel => getComputedStyle(panel).backgroundColor"
    light = visit.panel.evaluate(surface)
    visit.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert visit.panel.evaluate(surface) != light
