"""A real Chromium, a real chat function, and pages of another origin; nothing is intercepted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from emulators.faults import Faults
from emulators.gemini import create_app
from emulators.gemini.stats import Stats
from emulators.server import serve_in_thread
from tests.functions.conftest import (  # noqa: F401 - fixtures: a configuration, the site indexed
    empty_folder,
    gemini_url,
    variables,
)
from tests.servers import functions_framework
from tests.widget import npm
from tests.widget.site import Site

CHROMIUM = Path("/usr/bin/chromium")
# A browser that talks to nobody but the test's own servers.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
STARTERS = "How do I create a new signing key?|When should I rotate the key?"
PIECE_S = 0.03


@dataclass(frozen=True)
class Chat:
    """The chat function as a process, and the Gemini behind it."""

    url: str
    faults: Faults
    stats: Stats
    log: Path

    def logged(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass
class Visit:
    """One visitor's page, and what happened in it.

    Attributes:
        requests: the addresses that were asked for, whatever became of it.
        troubles: script errors, dialogs and violations of the page's policy.
    """

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def go(self, path: str = "/", **query: str) -> "Visit":
        self.page.goto(f"{self.url}{path}?{urlencode(query)}")
        return self

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def field(self) -> Locator:
        return self.page.locator("docs-chat").locator(".field textarea")

    @property
    def answer(self) -> Locator:
        """The last answer's text."""
        return self.page.locator("docs-chat article .text").last

    def open(self) -> "Visit":
        self.page.locator(".launcher").click()
        return self

    def ask(self, question: str) -> "Visit":
        self.field.fill(question)
        self.field.press("Enter")
        return self

    def until(self, state: str) -> "Visit":
        """Wait for the last answer to be `running`, `done`, `stopped` or `failed`."""
        self.page.locator(f"docs-chat article[data-state={state}]:last-of-type").wait_for()
        return self


@pytest.fixture(scope="session")
def tools() -> None:
    """What the widget is built and checked with."""
    npm.install()


@pytest.fixture(scope="session")
def site() -> Iterator[tuple[Site, str]]:
    page_server = Site()
    with serve_in_thread(page_server.app) as url:
        yield page_server, url


@pytest.fixture(scope="session")
def chat(
    site: tuple[Site, str],
    variables: dict[str, str],  # noqa: F811 - the fixtures
    empty_folder: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Chat]:
    """The chat that the site's pages ask."""
    page_server, origin = site
    emulator = create_app(delay_s=PIECE_S)
    log = tmp_path_factory.mktemp("log") / "chat.log"
    with serve_in_thread(emulator) as gemini:
        complete = {
            **variables,
            "ALLOWED_ORIGINS": origin,
            "GEMINI_BASE_URL": gemini,
            "RATE_LIMIT_PER_MINUTE": "0",
            "STARTER_QUESTIONS": STARTERS,
            # Sources lead to the page server itself, as they lead to a docs site's own pages.
            "LINK_HOSTS": origin.removeprefix("http://"),
        }
        with functions_framework("chat", complete, cwd=empty_folder, log=log) as url:
            page_server.endpoint = url
            yield Chat(url, emulator.state.faults, emulator.state.stats, log)


@pytest.fixture(scope="module")
def browser(chat: Chat) -> Iterator[Browser]:
    """After the chat and no longer than a module: Playwright holds the thread's event loop."""
    if not CHROMIUM.exists():
        npm.missing(f"{CHROMIUM} is missing: apt-get install --yes chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    visitor = browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    visitor.set_default_timeout(10_000)
    yield visitor
    visitor.close()


@pytest.fixture
def visit(context: BrowserContext, site: tuple[Site, str], chat: Chat) -> Iterator[Visit]:
    """A visit that must end without a script's error, a dialog or a breach of the page's policy."""
    chat.faults.clear()
    visited = watched(context.new_page(), site[1])
    yield visited
    assert visited.troubles == []


def watched(page: Page, url: str) -> Visit:
    visited = Visit(page, url)
    page.on("request", lambda request: visited.requests.append(request.url))
    page.on("pageerror", lambda error: visited.troubles.append(str(error)))
    page.on("dialog", lambda dialog: visited.troubles.append(f"dialog: {dialog.message}"))
    page.on(
        "console",
        lambda said: visited.troubles.append(said.text) if "Policy" in said.text else None,
    )
    return visited
