"""Errors as people meet them: said in plain words, and never at the cost of the question."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from emulators.faults import Fault
from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from tests.functions.conftest import (  # noqa: F401 - fixtures
    empty_folder,
    variables,
)
from tests.servers import functions_framework
from tests.widget.conftest import Chat, Visit, watched
from tests.widget.site import Site, unfiltered_chat

QUESTION = "How do I create a new signing key?"
STREAM = "streamGenerateContent"
ANSWER = "lighthouse key create"


def retry(visit: Visit) -> None:
    visit.panel.get_by_role("button", name="Try again").click()


def test_a_truncated_answer_is_kept_with_a_note_and_asked_again(visit: Visit, chat: Chat) -> None:
    pieces = generation(say=("Half of the ", "answer is ", "here and "), after=3)
    chat.faults.add(STREAM, pieces, times=1)
    visit.go().open().ask(QUESTION).until("failed")
    expect(visit.answer).to_contain_text("Half of the answer")
    expect(visit.panel.locator(".trouble")).to_contain_text("The answer was cut off.")
    expect(visit.panel.locator(".question")).to_contain_text(QUESTION)
    retry(visit)
    visit.until("done")
    expect(visit.answer).to_contain_text(ANSWER)
    expect(visit.panel.locator("article")).to_have_count(1)


def test_a_withheld_answer_is_taken_away(visit: Visit, chat: Chat) -> None:
    pieces = generation(say=("This must ", "not be ", "read and "), after=3, finish="SAFETY")
    chat.faults.add(STREAM, pieces, times=1)
    visit.go().open().ask(QUESTION).until("failed")
    expect(visit.panel.locator(".trouble")).to_contain_text("safety filter")
    expect(visit.answer).to_have_text("")


def test_a_busy_model_is_said_and_waited_for(visit: Visit, chat: Chat) -> None:
    chat.faults.add(STREAM, Fault(status=429, body={}))
    visit.go().open().ask(QUESTION).until("failed")
    expect(visit.panel.locator(".trouble")).to_contain_text("Many people are asking")
    button = visit.panel.get_by_role("button", name="Try again in")
    expect(button).to_be_disabled()


def test_offline_is_said_and_the_question_kept(visit: Visit, context: BrowserContext) -> None:
    visit.go().open()
    context.set_offline(offline=True)
    visit.ask(QUESTION).until("failed")
    expect(visit.panel.locator(".trouble")).to_contain_text("You are offline.")
    expect(visit.panel.locator(".question")).to_contain_text(QUESTION)
    context.set_offline(offline=False)
    retry(visit)
    visit.until("done")
    expect(visit.answer).to_contain_text(ANSWER)


def test_a_server_that_cannot_be_reached_is_said(visit: Visit) -> None:
    visit.go(endpoint="http://127.0.0.1:9").open().ask(QUESTION).until("failed")
    expect(visit.panel.locator(".trouble")).to_contain_text("cannot be reached")


def test_an_answer_that_makes_no_sense_leaves_the_chat_usable(
    context: BrowserContext, site: tuple[Site, str]
) -> None:
    answers = [None, "http://["]  # the last one first; None has no outcome
    with serve_in_thread(unfiltered_chat(answers)) as url:
        visit = watched(context.new_page(), site[1]).go(endpoint=url).open()
        visit.ask(QUESTION).until("done")
        expect(visit.panel.locator("article ol a")).to_have_count(1)
        visit.ask(QUESTION).until("failed")
        expect(visit.panel.locator(".trouble")).to_contain_text("That did not work.")
        expect(visit.panel.get_by_role("button", name="Try again")).to_be_enabled()
        expect(visit.panel.get_by_role("button", name="Send")).to_be_visible()


def test_what_the_docs_do_not_cover_shows_the_closest_pages(visit: Visit) -> None:
    visit.go().open().ask("Who won the 1954 world cup?").until("done")
    expect(visit.answer).to_contain_text("I could not find an answer")
    expect(visit.answer.locator("li")).to_have_count(0)  # the cards say the same with more
    expect(visit.panel.locator("article ol a")).to_have_count(3)


def test_a_degraded_answer_is_a_list_of_places(visit: Visit) -> None:
    visit.go().open().ask("keys").until("done")
    expect(visit.answer).to_contain_text("These pages mention it")
    assert visit.panel.locator("article ol a").count() >= 1


def test_an_answer_without_sources_says_so(visit: Visit, chat: Chat) -> None:
    chat.faults.add(STREAM, generation(say=("It is blue.",)), times=1)
    visit.go().open().ask(QUESTION).until("done")
    expect(visit.panel.locator(".caution")).to_contain_text("names no source")


@pytest.fixture(scope="module")
def strict_endpoint(
    site: tuple[Site, str],
    chat: Chat,
    variables: dict[str, str],  # noqa: F811 - the fixture
    empty_folder: object,  # noqa: F811
) -> Iterator[str]:
    """One request, and the next four seconds later."""
    limits = {"RATE_LIMIT_BURST": "1", "RATE_LIMIT_PER_MINUTE": "15", "ALLOWED_ORIGINS": site[1]}
    with functions_framework("chat", {**variables, **limits}) as url:
        yield url


def test_the_wait_after_too_many_questions_is_counted_down(
    visit: Visit, strict_endpoint: str
) -> None:
    visit.go(endpoint=strict_endpoint).open().field.fill(QUESTION)
    spent = httpx.post(f"{strict_endpoint}/feedback", json={"id": "0" * 32, "thumb": "up"})
    assert spent.status_code == 204
    visit.field.press("Enter")
    visit.until("failed")
    expect(visit.panel.locator(".trouble")).to_contain_text("many questions in a short time")
    button = visit.panel.get_by_role("button", name="Try again")
    expect(button).to_have_text(re.compile(r"Try again in [1-4] s"))
    expect(button).to_be_disabled()
    expect(button).to_have_text("Try again")
    button.click()
    visit.until("done")
    expect(visit.answer).to_contain_text(ANSWER)
