"""Whatever a model or a server says: no script runs, no request leaves, nothing navigates."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from tests.widget.conftest import Chat, Visit, watched
from tests.widget.site import Site, unfiltered_chat

SETS = ("patt_xss", "xss_payload_list", "dompurify_expect", "garak_payloads", "blns")
PER_ANSWER = 50
# What begins in a text ends behind it, so that the next one is not hidden in it.
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
CLOSERS = "</script></style></pre></textarea>-->?>]]>"
END = "**end**"
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
    ends: parts.filter((part) => part.matches("p > strong:only-child"))
      .filter(({ textContent }) => textContent === "end").length,
    frames: document.querySelectorAll("iframe, object, embed, img").length,
  };
}"""


@dataclass(frozen=True)
class Hostile:
    """All texts, many in each answer."""

    answers: list[str]
    texts: int


@pytest.fixture(scope="module")
def hostile(test_data: Path) -> Hostile:
    """Each text alone in a paragraph, in a list, in a link and in an image."""
    texts = [
        json.loads(line)["text"]
        for name in SETS
        for line in (test_data / f"hostile/{name}.jsonl").read_text().splitlines()
    ]
    assert len(texts) > 800
    shown = list(map(in_every_place, texts))
    parts = range(0, len(shown), PER_ANSWER)
    answers = ["\n\n".join(shown[start : start + PER_ANSWER]) for start in parts]
    return Hostile(answers, len(texts))


def in_every_place(text: str) -> str:
    """The text as an answer may have it, and a mark behind it."""
    fence = FENCE.search(text)
    places = (text, f"- {text}", f"[link]({text}) ![image]({text})")
    ended = (f"{place}\n{fence[1] if fence else ''}\n{CLOSERS}\n\n" for place in places)
    return f"{''.join(ended)}{END}"


def ask_all(visit: Visit, hostile: Hostile) -> None:
    """Ask until every answer has been given, and let the page settle."""
    for _ in hostile.answers:
        visit.ask("Is it safe?").until("done")
    visit.page.wait_for_timeout(300)


def assert_unharmed(visit: Visit, hostile: Hostile, chat_url: str) -> None:
    seen = visit.page.evaluate(INSPECT)
    assert set(seen["tags"]) <= ALLOWED_TAGS
    assert seen["events"] == []
    # ":" is what is no address at all and leads nowhere.
    assert set(seen["schemes"]) <= {"http:", "https:", ":"}
    assert seen["answers"] == len(hostile.answers)
    assert seen["ends"] == hostile.texts  # none hid another
    assert seen["frames"] == 0
    others = [url for url in visit.requests if not url.startswith((visit.url, f"{chat_url}/"))]
    assert [url for url in others if not url.startswith("data:,")] == []
    assert sum(url.startswith(visit.url) for url in visit.requests) <= 2  # the page and the script
    assert len(visit.page.context.pages) == 1
    assert visit.page.url.startswith(f"{visit.url}/?")


@pytest.fixture(scope="module")
def unfiltered(hostile: Hostile) -> Iterator[str]:
    """A server that sends the texts as they are: the widget stands alone."""
    with serve_in_thread(unfiltered_chat(hostile.answers)) as url:
        yield url


def test_no_hostile_text_does_anything_without_the_servers_filter(
    visit: Visit, unfiltered: str, hostile: Hostile
) -> None:
    visit.go(endpoint=unfiltered).open()
    ask_all(visit, hostile)
    assert_unharmed(visit, hostile, unfiltered)


def test_no_hostile_text_of_the_model_does_anything(
    visit: Visit, chat: Chat, hostile: Hostile
) -> None:
    visit.go(strict="").open()
    for text in hostile.answers:
        chat.faults.add("streamGenerateContent", generation(say=(text,)), times=1)
    ask_all(visit, hostile)
    assert_unharmed(visit, hostile, chat.url)


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
