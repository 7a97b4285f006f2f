"""Take the pictures of docs/widget.md anew: the demo's pages in Chromium, with scripted answers.

python -m scripts.screenshots
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from rich.console import Console
from starlette.types import ASGIApp, Receive, Scope, Send

from docchat.indexing import Allowed
from docchat.runtime import Runtime
from emulators import gemini
from emulators.faults import Faults
from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from scripts import index_docs
from scripts.local import local_environment
from scripts.serve import ROOT, STARTER_QUESTIONS, build_app

ANY = Allowed(shrink=True, other_model=True)
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-background-networking")
PICTURES = ROOT / "docs/img"
DESKTOP: ViewportSize = {"width": 1180, "height": 740}
PHONE: ViewportSize = {"width": 390, "height": 844}
INDEXING = """Name the folder and the address at which your site serves it [1]:

```sh
make index DOCS=path/to/your/docs \\
  SITE_URL=https://docs.example.com
```

Run it again after each change. **Only new text is embedded**, and removed pages disappear [2].
Visitors see one whole index at every moment."""
CUT = (
    "By default no origin is allowed. To let your site ask, list its exact origin in ",
    "`ALLOWED_ORIGINS` [1]. An origin is the scheme, the host ",
    "and, if it is not ",
)


@contextmanager
def demo() -> Iterator[tuple[str, Faults]]:
    """The demo's address, and the plan of what its model says."""
    emulator = gemini.create_app()
    site: list[ASGIApp] = []

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await site[0](scope, receive, send)

    with serve_in_thread(emulator) as upstream, serve_in_thread(late) as url:
        variables = {
            "SITE_NAME": "docchat",
            "STARTER_QUESTIONS": "|".join(STARTER_QUESTIONS),
            "GEMINI_API_KEY": "emulator",
            "GEMINI_BASE_URL": upstream,
            "QDRANT_HOST": "path:.local/screenshots",
            "ALLOWED_ORIGINS": url,
        }
        with local_environment(variables):
            reading = index_docs.read(ROOT / "docs", site_url=f"{url}/docs")
            asyncio.run(index_docs.publish(reading, Runtime(), Console(quiet=True), allowed=ANY))
            site.append(build_app(reading.pages))
            yield url, emulator.state.faults


def ask(page: Page, question: str, state: str) -> None:
    """Ask in the open panel and wait for the answer to be `done` or `failed`."""
    field = page.locator("docs-chat .field textarea")
    field.fill(question)
    field.press("Enter")
    page.locator(f"docs-chat article[data-state={state}]:last-of-type").wait_for()


def take(page: Page, name: str) -> None:
    """The picture, once nothing moves."""
    page.wait_for_timeout(400)
    page.screenshot(path=PICTURES / f"{name}.png")


def pictures(browser: Browser, url: str, faults: Faults) -> None:
    """One visitor's tour."""
    page = browser.new_page(viewport=DESKTOP)
    page.goto(f"{url}/docs/quick-start")
    page.locator(".launcher").click()
    faults.add("streamGenerateContent", generation(say=(INDEXING,)), times=1)
    ask(page, "How do I index my own docs?", "done")
    take(page, "widget-answer")
    page.emulate_media(color_scheme="dark")
    take(page, "widget-dark")
    page.emulate_media(color_scheme="light")
    ask(page, "Who won the 1954 world cup?", "done")
    take(page, "widget-not-found")
    faults.add("streamGenerateContent", generation(say=CUT, after=3), times=1)
    ask(page, "Why does the browser report a CORS error?", "failed")
    take(page, "widget-error")
    page.close()


def phone(browser: Browser, url: str, faults: Faults) -> None:
    """The same on a small screen."""
    page = browser.new_page(viewport=PHONE, device_scale_factor=1.5)
    page.goto(f"{url}/docs/quick-start")
    page.locator(".launcher").click()
    faults.add("streamGenerateContent", generation(say=(INDEXING,)), times=1)
    ask(page, "How do I index my own docs?", "done")
    take(page, "widget-mobile")
    page.close()


def main() -> int:
    """Entry point; returns the exit code."""
    PICTURES.mkdir(exist_ok=True)
    with demo() as (url, faults), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Path(CHROMIUM), args=ARGUMENTS)
        pictures(browser, url, faults)
        phone(browser, url, faults)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
