"""Threads that a Qdrant server keeps: two server processes, two visitors and nobody."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import State

from emulators.faults import Fault
from emulators.gemini.script import generation
from tests.chatkit.conftest import (
    QUESTION,
    STREAM,
    Check,
    Json,
    Page,
    Serve,
    items,
    kinds,
    lines_of,
    problem_of,
    said,
    thread_of,
    within,
)

ANNE, BERT = "anne" * 8, "bert" * 8
KEPT = {"CHATKIT_STORE": "qdrant"}


@pytest.fixture(scope="module")
def kept_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def urls(serve: Serve, kept_log: Path) -> Iterator[tuple[str, str]]:
    """Two processes that share the server."""
    with ExitStack() as stack:
        first = stack.enter_context(serve(kept_log, **KEPT))
        yield first, stack.enter_context(serve(**KEPT))


@pytest.fixture
def anne(urls: tuple[str, str], check: Check) -> Page:
    return Page(urls[0], check, ANNE)


@pytest.fixture
def anne_elsewhere(urls: tuple[str, str], check: Check) -> Page:
    return Page(urls[1], check, ANNE)


def shown(page: Page, thread: str) -> list[Json]:
    data: list[Json] = page.get("thread", "threads.get_by_id", {"thread_id": thread})["items"][
        "data"
    ]
    return data


def text_of(item: Json) -> str:
    text: str = item["content"][0]["text"]
    return text


def test_two_processes_continue_each_others_threads(anne: Page, anne_elsewhere: Page) -> None:
    first = anne.ask()
    thread = thread_of(first)
    second = anne_elsewhere.ask("And then?", thread)
    third = anne.ask("What else?", thread)
    everything = [*items(first), *items(second), *items(third)]
    assert shown(anne, thread) == shown(anne_elsewhere, thread) == everything
    found = anne_elsewhere.get("thread", "threads.get_by_id", {"thread_id": thread})
    assert found["title"] == QUESTION
    assert found["created_at"] == first[0]["thread"]["created_at"]


def test_what_was_said_before_is_part_of_the_question(
    anne: Page, anne_elsewhere: Page, kept_log: Path
) -> None:
    thread = thread_of(anne_elsewhere.ask())
    follow_up, alone = anne.ask(QUESTION, thread), anne.ask(QUESTION)
    ids = [items(events)[-1]["id"].removeprefix("msg_") for events in (follow_up, alone)]
    assert within(2.0, lambda: lines_of(kept_log, "request")[-1]["request_id"] == ids[1])
    lines = lines_of(kept_log, "request")
    tokens = {one["request_id"]: one.get("input_tokens", 0) for one in lines}
    assert tokens[ids[0]] > tokens[ids[1]] + 30


def test_a_retry_replaces_the_answer_and_what_came_after(anne: Page, anne_elsewhere: Page) -> None:
    events = anne.ask()
    thread, question = thread_of(events), items(events)[0]
    anne.ask("And then?", thread)
    params = {"thread_id": thread, "item_id": question["id"]}
    again = anne_elsewhere.stream("threads.retry_after_item", params)
    assert shown(anne, thread) == [question, *items(again)]


def test_threads_and_items_come_in_pages(urls: tuple[str, str], check: Check) -> None:
    page = Page(urls[0], check, "pages-of-a-third-visitor-0123456789")
    threads = [thread_of(page.ask("Hello")) for _ in range(3)]
    for order, wanted in (("asc", threads), ("desc", threads[::-1])):
        assert paged(page, "threads", {"order": order, "limit": 2}) == wanted
    for _ in range(2):
        page.ask("Hello", threads[0])
    in_thread = {"thread_id": threads[0], "limit": 4}
    ids = [item["id"] for item in shown(page, threads[0])]
    assert len(ids) == 6
    assert paged(page, "items", {**in_thread, "order": "asc"}) == ids
    assert paged(page, "items", in_thread) == ids[::-1]


def paged(page: Page, what: str, params: Json) -> list[str]:
    """The ids of all pages, of which there are two."""
    first = page.get(what, f"{what}.list", params)
    assert first["has_more"]
    second = page.get(what, f"{what}.list", {**params, "after": first["after"]})
    assert not second["has_more"]
    return [one["id"] for one in first["data"] + second["data"]]


@pytest.mark.parametrize("owner", [BERT, ""])
def test_nobody_sees_anothers_thread(
    urls: tuple[str, str], check: Check, anne: Page, owner: str
) -> None:
    events = anne.ask()
    thread, (question, answer) = thread_of(events), items(events)
    other = Page(urls[1], check, owner)
    mine = thread_of(other.ask())
    listed = other.get("threads", "threads.list", {})["data"]
    assert [one["id"] for one in listed] == ([mine] if owner else [])
    for kind, params in (
        ("threads.get_by_id", {}),
        ("items.list", {}),
        ("threads.update", {"title": "Mine"}),
        ("threads.delete", {}),
        ("threads.add_user_message", {"input": said("And?")}),
        ("threads.retry_after_item", {"item_id": question["id"]}),
        ("items.feedback", {"item_ids": [answer["id"]], "kind": "positive"}),
    ):
        response = other.send(kind, {"thread_id": thread, **params})
        assert problem_of(response) == (404, "not-found"), kind
    assert shown(anne, thread) == [question, answer]
    other.send("threads.delete", {"thread_id": mine})


def test_a_page_without_a_name_has_its_thread_by_the_id(
    urls: tuple[str, str], check: Check
) -> None:
    nobody = Page(urls[0], check)
    events = nobody.ask()
    assert shown(Page(urls[1], check), thread_of(events)) == items(events)


@pytest.mark.parametrize("owner", ["short", 1, "ü" * 32, "x" * 129])
def test_a_name_that_could_be_guessed_is_refused(urls: tuple[str, str], owner: object) -> None:
    body = {"type": "threads.list", "params": {}, "metadata": {"owner": owner}}
    response = httpx.post(f"{urls[0]}/chatkit", json=body, timeout=60)
    assert problem_of(response) == (422, "invalid-request")
    assert response.json()["errors"][0]["pointer"] == "/metadata/owner"


def test_a_deleted_thread_leaves_nothing_and_a_name_is_never_stored(
    urls: tuple[str, str], check: Check, qdrant: tuple[str, State]
) -> None:
    page = Page(urls[0], check, "a-visitor-who-leaves-0123456789-abc")
    thread = thread_of(page.ask())
    stored = points(qdrant[0], thread)
    assert len(stored) == 3
    assert page.owner not in str(stored)
    assert page.send("threads.update", {"thread_id": thread, "title": "Keys"}).is_success
    assert page.get("threads", "threads.list", {})["data"][0]["title"] == "Keys"
    assert page.send("threads.delete", {"thread_id": thread}).json() == {}
    assert points(qdrant[0], thread) == []
    assert page.send("threads.delete", {"thread_id": thread}).status_code == 404


def points(qdrant_url: str, thread: str) -> list[Json]:
    """What the server has of a thread."""
    chosen = {"must": [{"key": "thread", "match": {"value": thread}}]}
    url = f"{qdrant_url}/collections/docs.threads/points/scroll"
    found: list[Json] = httpx.post(url, json={"filter": chosen}).json()["result"]["points"]
    return found


def test_an_answer_that_failed_is_kept_as_far_as_it_came(
    anne: Page, anne_elsewhere: Page, state: State
) -> None:
    state.faults.add(STREAM, generation(after=3), times=1)
    events = anne.ask()
    assert kinds(events)[-1] == "error"
    kept = shown(anne_elsewhere, thread_of(events))
    assert kept == items(events)
    assert text_of(kept[1]).startswith("Run")


@pytest.mark.parametrize("failing", ["search", "generation"])
def test_a_question_that_failed_is_kept_and_answered_when_asked_again(
    anne: Page, state: State, qdrant_state: State, failing: str
) -> None:
    if failing == "search":
        qdrant_state.faults.add("query_batch", Fault(status=500))
    else:
        state.faults.add(STREAM, generation(after=0))
    events = anne.ask()
    thread, (question,) = thread_of(events), items(events)
    assert (events[-1]["type"], events[-1]["allow_retry"]) == ("error", True)
    qdrant_state.faults.clear()
    state.faults.clear()
    params = {"thread_id": thread, "item_id": question["id"]}
    again = anne.stream("threads.retry_after_item", params)
    assert shown(anne, thread) == [question, *items(again)]
    assert text_of(items(again)[0]).startswith("Run")


def test_an_answer_withheld_for_safety_is_not_kept(anne: Page, state: State) -> None:
    state.faults.add(STREAM, generation(after=3, finish="SAFETY"), times=1)
    events = anne.ask()
    assert [item["type"] for item in shown(anne, thread_of(events))] == ["user_message"]


def test_an_answer_that_was_stopped_is_kept_as_far_as_it_was_read(
    anne: Page, anne_elsewhere: Page, state: State
) -> None:
    state.faults.add(STREAM, generation(say=("word ",), after=1, endless=True), times=1)
    body = {
        "type": "threads.create",
        "params": {"input": said(QUESTION)},
        "metadata": {"owner": ANNE},
    }
    read: list[str] = []
    with httpx.stream("POST", f"{anne.url}/chatkit", json=body, timeout=60) as response:
        for line in response.iter_lines():
            read += [line] if line else []
            if sum("text_delta" in one for one in read) == 3:
                break
    thread = thread_of(anne.events("\n\n".join(read)))
    assert within(3.0, lambda: len(shown(anne_elsewhere, thread)) == 2)
    assert text_of(shown(anne_elsewhere, thread)[1]).startswith("word word word")
    assert len(text_of(shown(anne_elsewhere, thread)[1])) < 4000


def test_an_answer_that_a_shutdown_cuts_off_ends_with_an_error_and_is_kept(
    serve: Serve, check: Check, anne: Page, state: State
) -> None:
    state.faults.add(STREAM, generation(say=("word ",), after=1, endless=True), times=1)
    got: list[Json] = []
    with serve(**KEPT) as url:
        page = Page(url, check, ANNE)
        reading = threading.Thread(target=lambda: got.extend(page.ask()))
        reading.start()
        assert within(10.0, lambda: state.stats.open_streams == 1)
        assert not within(0.3, lambda: state.stats.open_streams == 0)
    reading.join(timeout=10)
    message = "The answer was interrupted by an update. Please try again."
    wanted = {"type": "error", "code": "custom", "message": message, "allow_retry": True}
    assert got[-1] == wanted
    assert [item["type"] for item in shown(anne, thread_of(got))] == [
        "user_message",
        "assistant_message",
    ]


def test_a_store_that_fails_at_once_is_a_problem(anne: Page, qdrant_state: State) -> None:
    qdrant_state.faults.add("upsert", Fault(status=500))
    response = anne.send("threads.create", {"input": said(QUESTION)})
    assert problem_of(response) == (503, "index-unavailable")


def test_a_store_that_fails_later_is_an_error_event_and_in_the_log(
    anne: Page, qdrant_state: State, kept_log: Path
) -> None:
    qdrant_state.faults.add("upsert", Fault(status=500), after=3)  # thread, question, title
    events = anne.ask()
    assert events[-1] == {"type": "error", "code": "stream.error", "allow_retry": True}
    lines = [one for one in lines_of(kept_log, "request") if one.get("outcome") == "answered"]
    assert lines[-1]["problem"] == "index-unavailable"
    assert "Traceback" not in kept_log.read_text()
