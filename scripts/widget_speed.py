"""How soon the widget is usable in a page of the demo, and how much a visitor loads for it.

    python -m scripts.widget_speed

Each visit is a browser's first: nothing is cached. Everything runs on this machine, so a network's
time comes on top.
"""

import argparse
import gzip
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from scripts.screenshots import ARGUMENTS, CHROMIUM, DESKTOP, demo
from scripts.serve import ROOT

WIDGET = ROOT / "widget/dist/docs-chat.js"
# Milliseconds from the navigation's begin to the frame that shows the button.
BUTTON = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const button = () => document.querySelector("docs-chat")?.shadowRoot?.querySelector(".launcher");
  while (!button()) await frame();
  await frame();
  return performance.now();
}"""
# Milliseconds from a click on it to the frame that shows the panel, with the focus in its field.
PANEL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const root = document.querySelector("docs-chat").shadowRoot;
  const begun = performance.now();
  root.querySelector(".launcher").click();
  while (root.activeElement?.localName !== "textarea") await frame();
  await frame();
  return performance.now() - begun;
}"""


def visit(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds to the button, and from the click to the panel."""
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(f"{url}/docs/quick-start", wait_until="commit")
    button: float = page.evaluate(BUTTON)
    page.wait_for_load_state("networkidle")
    panel: float = page.evaluate(PANEL)
    context.close()
    return button, panel


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--visits", type=int, default=12)
    visits = parser.parse_args().visits
    with demo() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Path(CHROMIUM), args=ARGUMENTS)
        buttons, panels = zip(*(visit(browser, url) for _ in range(visits)), strict=True)
        browser.close()
    table = Table("figure", "value", title=f"The widget, {visits} first visits")
    table.add_row("navigation to button, median", f"{statistics.median(buttons):.0f} ms")
    table.add_row("click to usable panel, median", f"{statistics.median(panels):.0f} ms")
    table.add_row("gzipped", f"{len(gzip.compress(WIDGET.read_bytes(), 9)):,} bytes")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
