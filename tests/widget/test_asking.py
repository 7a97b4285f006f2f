"""What a visitor does with an answer, in a real browser against a real server."""

import json
import re
import time

from playwright.sync_api import expect

from emulators.gemini.script import generation
from tests.widget.conftest import STARTERS, Chat, Visit

QUESTION = "How do I create a new signing key?"
NEW_KEY = "https://lighthouse.example.com/docs/guides/rotate-keys#new-key"
LONG = generation(say=tuple(f"word{n} " for n in range(200)))
RECORD = """() => {
  const root = document.querySelector("docs-chat").shadowRoot;
  window.seen = new Set();
  new MutationObserver(() => {
    const text = root.querySelector("article .text")?.textContent;
    if (text) window.seen.add(text);
  }).observe(root, { childList: true, subtree: true, characterData: true });
}"""


def test_an_answer_comes_in_pieces_with_its_sources(visit: Visit) -> None:
    visit.go().open().page.evaluate(RECORD)
    visit.ask(QUESTION).until("done")
    seen = visit.page.evaluate("[...window.seen]")
    assert len(seen) >= 3
    assert seen == sorted(seen, key=len)
    expect(visit.answer).to_contain_text("lighthouse key create")
    first = visit.page.locator("article li a").first
    expect(first).to_have_attribute("href", NEW_KEY)
    expect(first).to_contain_text("Create the new key")
    expect(first).to_contain_text("to create a new signing key")


def test_a_citation_leads_to_its_source_in_another_tab(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("done")
    citation = visit.answer.locator("a.cite").first
    expect(citation).to_have_attribute("href", NEW_KEY)
    expect(citation).to_have_attribute("target", "_blank")
    expect(citation).to_have_attribute("rel", "noopener noreferrer")


def test_the_requests_are_cross_origin_with_one_preflight(visit: Visit, chat: Chat) -> None:
    before = len(chat.logged())
    visit.go().open().ask(QUESTION).until("done").ask("And when do I remove it?").until("done")
    methods = [line["method"] for line in chat.logged()[before:]]
    assert methods == ["GET", "OPTIONS", "POST", "POST"]


def test_nothing_is_asked_of_the_server_before_the_panel_is_opened(visit: Visit) -> None:
    visit.go().page.wait_for_load_state("networkidle")
    assert [url for url in visit.requests if url.endswith("/chat")] == []


def test_a_starter_question_is_asked_with_a_click(visit: Visit) -> None:
    visit.go().open()
    starter = STARTERS.split("|", maxsplit=1)[0]
    visit.panel.get_by_role("button", name=starter).click()
    visit.until("done")
    expect(visit.panel.locator(".question")).to_contain_text(starter)
    expect(visit.panel.get_by_role("heading", name="Ask Lighthouse")).to_be_visible()


def test_the_page_and_the_conversation_go_with_a_question(visit: Visit) -> None:
    visit.go("/guides/keys", lang="en").open().ask(QUESTION).until("done")
    with visit.page.expect_request(lambda request: request.method == "POST") as asked:
        visit.ask("And when do I remove it?")
    body = asked.value.post_data_json
    assert body is not None
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert body["messages"][0]["content"] == QUESTION
    page = {"url": f"{visit.url}/guides/keys", "version": "2.0", "locale": "en"}
    assert body["page"] == page
    visit.until("done")


def test_a_long_answer_is_cut_in_the_history_between_two_characters(
    visit: Visit, chat: Chat
) -> None:
    say = ("a" * 3_999 + "\N{KEY} and more",)
    chat.faults.add("streamGenerateContent", generation(say=say), times=1)
    visit.go().open().ask(QUESTION).until("done")
    with visit.page.expect_request(lambda request: request.method == "POST") as asked:
        visit.ask("And then?")
    body = asked.value.post_data_json
    assert body is not None
    assert body["messages"][1]["content"] == "a" * 3_999 + "\N{REPLACEMENT CHARACTER}"
    visit.until("done")


def test_stop_ends_the_answer_at_the_server_and_keeps_what_was_read(
    visit: Visit, chat: Chat
) -> None:
    chat.faults.add("streamGenerateContent", LONG, times=1)
    visit.go().open().ask(QUESTION)
    expect(visit.answer).to_contain_text("word5")
    visit.panel.get_by_role("button", name="Stop").click()
    visit.until("stopped")
    deadline = time.monotonic() + 5
    while chat.stats.open_streams and time.monotonic() < deadline:
        time.sleep(0.02)
    assert chat.stats.open_streams == 0
    assert any(line.get("aborted") for line in chat.logged())
    expect(visit.answer).to_contain_text("word5")
    expect(visit.panel).to_contain_text("The answer was stopped.")
    visit.panel.get_by_role("button", name="Try again").click()
    visit.until("done")
    expect(visit.answer).to_contain_text("lighthouse key create")


def test_code_is_copied(visit: Visit, chat: Chat) -> None:
    code = "lighthouse key create --name a\nlighthouse key list"
    chat.faults.add("streamGenerateContent", generation(say=(f"Run:\n\n```sh\n{code}\n```",)))
    visit.go().open().ask(QUESTION).until("done")
    visit.panel.get_by_role("button", name="Copy").click()
    expect(visit.panel.get_by_role("button", name="Copied")).to_be_visible()
    assert visit.page.evaluate("navigator.clipboard.readText()").strip() == code


def test_a_thumb_and_its_reason_reach_the_log(visit: Visit, chat: Chat) -> None:
    before = len(chat.logged())
    visit.go().open().ask(QUESTION).until("done")
    visit.panel.get_by_role("button", name="Not helpful").click()
    visit.panel.get_by_role("button", name="Outdated").click()
    expect(visit.panel.locator(".rating")).to_contain_text("Thank you")
    said = [line for line in chat.logged()[before:] if "thumb" in json.dumps(line)]
    assert [(line["thumb"], line.get("reason", "")) for line in said] == [
        ("down", ""),
        ("down", "outdated"),
    ]
    thumb = visit.panel.get_by_role("button", name="Not helpful")
    expect(thumb).to_have_attribute("aria-pressed", "true")


def test_a_new_conversation_forgets_the_old_one(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("done")
    visit.panel.get_by_role("button", name="New conversation").click()
    expect(visit.panel.locator("article")).to_have_count(0)
    expect(visit.panel).to_contain_text("What are you looking for?")
    visit.page.reload()
    visit.page.locator("docs-chat .launcher, docs-chat dialog[open]").first.wait_for()
    expect(visit.page.locator("docs-chat article")).to_have_count(0)


def test_an_answer_is_announced_once_and_politely(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("done")
    log = visit.panel.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log).to_have_attribute("aria-busy", "false")
    status = visit.panel.locator("> [role=status]")
    expect(status).to_contain_text("lighthouse key create")
    expect(status).to_contain_text(re.compile("Sources.*Create the new key"))


def test_no_cookie_is_set_and_nothing_outlives_the_tab(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("done")
    assert visit.page.context.cookies() == []
    assert visit.page.evaluate("localStorage.length") == 0
    other = visit.page.context.new_page()
    other.goto(visit.page.url)
    assert other.evaluate("sessionStorage.length") == 0
    hosts = {url.split("/")[2] for url in visit.requests if url.startswith("http")}
    assert all(host.startswith("127.0.0.1:") for host in hosts)
