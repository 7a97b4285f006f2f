"""axe-core finds nothing, in light and dark, in every state that a visitor meets."""

from typing import Any

import pytest
from playwright.sync_api import Page

from emulators.gemini.script import generation
from tests.widget.conftest import Chat, Visit
from tests.widget.npm import WIDGET

RICH = """Run this [1]:

```sh
lighthouse key create --name a-rather-long-name-that-does-not-fit-into-one-line-of-the-panel
```

1. Write **it** down.

| Command | What |
|---|---|
| `key list` | every key |

> Removed keys cannot be brought back [1].
"""


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe says of the whole page, the widget's shadow included."""
    page.evaluate((WIDGET / "node_modules/axe-core/axe.min.js").read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run()")["violations"]
    return [{"id": one["id"], "nodes": [node["html"] for node in one["nodes"]]} for one in found]


@pytest.mark.parametrize("accent", ["", "#ffd400"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation(
    tools: None, visit: Visit, chat: Chat, theme: str, accent: str
) -> None:
    visit.go(theme=theme)
    visit.page.emulate_media(reduced_motion="reduce")
    if accent:
        visit.page.evaluate(
            "accent => document.body.style.setProperty('--ifm-color-primary', accent)", accent
        )
    visit.page.locator(".launcher").wait_for()
    assert violations(visit.page) == []
    visit.open()
    assert violations(visit.page) == []
    chat.faults.add("streamGenerateContent", generation(say=(RICH,)), times=1)
    visit.ask("How do I create a new signing key?").until("done")
    visit.panel.get_by_role("button", name="Not helpful").click()
    visit.panel.get_by_role("button", name="Outdated").wait_for()
    assert violations(visit.page) == []
    chat.faults.add("streamGenerateContent", generation(after=3), times=1)
    visit.ask("When do I remove the old key?").until("failed")
    visit.ask("Who won the 1954 world cup?").until("done")
    assert violations(visit.page) == []
