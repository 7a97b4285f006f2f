"""The widget in a site: how it is reached, how it looks there, and what it survives."""

import pytest
from playwright.sync_api import Browser, expect

from tests.widget.conftest import Chat, Visit, watched
from tests.widget.site import Site

QUESTION = "How do I create a new signing key?"
# The relative luminance of a colour as the browser has painted it.
LUMINANCE = """element => {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = getComputedStyle(element).backgroundColor;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_deep_link_fills_in_the_question_and_does_not_send_it(visit: Visit) -> None:
    visit.go(ask=QUESTION)
    expect(visit.field).to_have_value(QUESTION)
    expect(visit.field).to_be_focused()
    visit.page.wait_for_load_state("networkidle")
    expect(visit.panel.locator("article")).to_have_count(0)


def test_selected_text_is_quoted_in_the_question(visit: Visit) -> None:
    visit.go().page.locator("#text").select_text()
    visit.page.locator("#text").dispatch_event("pointerup")
    visit.page.get_by_role("button", name="Ask about this").click()
    expect(visit.panel.locator("blockquote")).to_contain_text("Lighthouse signs every alert")
    with visit.page.expect_request(lambda request: request.method == "POST") as asked:
        visit.ask("Why?")
    body = asked.value.post_data_json
    assert body is not None
    assert body["messages"][0]["content"].startswith("> Lighthouse signs every alert")
    assert body["messages"][0]["content"].endswith("\n\nWhy?")
    visit.until("done")
    expect(visit.panel.locator(".composer blockquote")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard(visit: Visit) -> None:
    keyboard = visit.go().page.keyboard
    visit.page.locator("#next").focus()
    visit.page.locator(".launcher").wait_for()
    keyboard.press("Control+i")
    expect(visit.field).to_be_focused()
    keyboard.type(QUESTION)
    keyboard.press("Enter")
    visit.until("done")
    expect(visit.field).to_be_focused()
    reached = []
    for _ in range(12):
        keyboard.press("Shift+Tab")
        reached.append(
            visit.page.evaluate(
                "() => { const { activeElement } = document.querySelector('docs-chat').shadowRoot;"
                " return activeElement?.ariaLabel || activeElement?.textContent }"
            )
        )
    for name in ("Not helpful", "Helpful", "New conversation", "Close"):
        assert name in reached
    visit.field.focus()
    keyboard.press("Escape")
    expect(visit.panel).to_be_hidden()
    expect(visit.page.locator("#next")).to_be_focused()


def test_closing_gives_the_focus_back_to_the_button(visit: Visit) -> None:
    visit.go().open()
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator(".launcher")).to_be_focused()


def test_in_the_middle_of_a_japanese_word_keys_belong_to_the_word(visit: Visit) -> None:
    visit.go().open().field.fill("鍵")
    for key in ("Enter", "Escape"):
        visit.field.dispatch_event("keydown", {"key": key, "isComposing": True})
    expect(visit.panel).to_be_visible()
    expect(visit.panel.locator("article")).to_have_count(0)


@pytest.mark.parametrize(("theme", "is_light"), [("light", True), ("dark", False)])
def test_it_is_as_dark_as_its_page(visit: Visit, theme: str, is_light: bool) -> None:  # noqa: FBT001
    visit.go(theme=theme).open()
    assert (visit.panel.evaluate(LUMINANCE) > 0.5) is is_light
    other = {"light": "dark", "dark": "light"}[theme]
    visit.page.evaluate("theme => { document.documentElement.dataset.theme = theme }", other)
    assert (visit.panel.evaluate(LUMINANCE) > 0.5) is not is_light


def test_on_a_small_screen_it_fills_the_page_and_nothing_overflows(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 568})
    visit.go().open().ask(QUESTION).until("done")
    assert visit.panel.bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 568}
    assert visit.page.evaluate(OVERFLOW) == 0
    log = visit.panel.get_by_role("log")
    assert log.evaluate("log => log.scrollWidth - log.clientWidth") == 0
    visit.panel.get_by_role("button", name="Close").click()
    expect(visit.page.locator(".launcher")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "launch"),
    [("de", "KI fragen"), ("es-MX", "Preguntar a la IA"), ("ja", "AI に質問")],
)
def test_it_speaks_the_pages_language(visit: Visit, language: str, launch: str) -> None:
    visit.go(lang=language)
    expect(visit.page.locator(".launcher")).to_have_text(launch)


def test_it_follows_a_language_switch_and_keeps_the_conversation(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("done")
    visit.page.evaluate("document.documentElement.lang = 'fr'")
    expect(visit.panel.get_by_role("button", name="Nouvelle conversation")).to_be_visible()
    expect(visit.answer).to_contain_text("lighthouse key create")


def test_a_sites_own_wording_wins(visit: Visit) -> None:
    visit.go(**{"data-strings": '{"launch": "Ask the keeper"}', "data-heading": "The keeper"})
    expect(visit.page.locator(".launcher")).to_have_text("Ask the keeper")
    expect(visit.open().panel.get_by_role("heading", name="The keeper")).to_be_visible()


def test_navigation_in_a_single_page_site_keeps_an_answer_that_is_on_its_way(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("running")
    visit.page.evaluate(
        "history.pushState({}, '', '/other'); document.querySelector('#content').textContent = ''"
    )
    visit.until("done")
    expect(visit.answer).to_contain_text("lighthouse key create")


def test_another_page_of_the_site_shows_the_same_conversation(visit: Visit) -> None:
    visit.go().open().ask(QUESTION).until("done")
    visit.page.locator("#next").click()
    visit.page.wait_for_url("**/other")
    expect(visit.answer).to_contain_text("lighthouse key create")
    expect(visit.panel).to_be_visible()


def test_in_the_page_itself_it_needs_no_button(visit: Visit) -> None:
    visit.go(**{"data-inline": ""}).ask(QUESTION).until("done")
    expect(visit.page.locator(".launcher")).to_have_count(0)
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    visit.go("/other")  # where nobody has opened it
    expect(visit.page.locator(".launcher")).to_be_visible()
    expect(visit.panel).to_be_hidden()


def test_an_element_in_the_page_finds_its_language_beside_the_script(
    visit: Visit, chat: Chat
) -> None:
    visit.go(endpoint="", lang="de").page.evaluate(
        "endpoint => { document.querySelector('#content').innerHTML ="
        " `<docs-chat inline endpoint=${endpoint}></docs-chat>` }",
        chat.url,
    )
    expect(visit.page.get_by_role("button", name="Neues Gespräch")).to_be_visible()


def test_every_option_can_be_the_scripts(visit: Visit) -> None:
    visit.go(lang="de", **{"data-strings-folder": "/nowhere/"})
    expect(visit.page.locator(".launcher")).to_have_text("Ask AI")


def test_without_motion_for_those_who_want_none(
    browser: Browser, site: tuple[Site, str], chat: Chat
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    visit = watched(context.new_page(), site[1]).go().open()
    assert visit.panel.evaluate("panel => getComputedStyle(panel).animationName") == "none"
    context.close()
