"""The requests of ChatKit over HTTP, the thread carried by the page; every event is checked."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import State

from emulators.gemini.script import generation
from tests.chatkit.conftest import (
    QUESTION,
    STREAM,
    Json,
    Page,
    items,
    kinds,
    lines_of,
    problem_of,
    said,
    thread_of,
    within,
)
from tests.functions.conftest import SITE_URL

NOBODYS = f"thr_{'0' * 32}"


def answer_of(events: list[Json]) -> tuple[str, list[Json]]:
    """Text and annotations."""
    (content,) = items(events)[-1]["content"]
    return content["text"], content["annotations"]


def test_a_first_turn_has_the_events_of_the_protocol_in_their_order(page: Page) -> None:
    events = page.ask()
    seen = [kind for kind in kinds(events) if kind != "content_part.text_delta"]
    assert seen == [
        "thread.created",
        "thread.item.done",
        "stream_options",
        "progress_update",
        "thread.updated",
        "thread.item.added",
        "content_part.added",
        "content_part.annotation_added",
        "content_part.done",
        "thread.item.done",
    ]
    updates = [event["update"] for event in events if event["type"] == "thread.item.updated"]
    deltas = [update["delta"] for update in updates if "delta" in update]
    assert len(deltas) > 3
    assert "".join(deltas) == answer_of(events)[0]
    assert next(e for e in events if e["type"] == "thread.updated")["thread"]["title"] == QUESTION


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (QUESTION, "Searching the documentation…"),
        ("Wie erstelle ich einen neuen Schlüssel?", "Ich suche in der Dokumentation…"),
    ],
)
def test_progress_is_told_in_the_language_of_the_question(
    page: Page, question: str, words: str
) -> None:
    told = [event["text"] for event in page.ask(question) if event["type"] == "progress_update"]
    assert told == [words]


def test_an_annotation_stands_behind_the_mark_it_belongs_to(page: Page, state: State) -> None:
    # A mark in code, before the source is cited, is no citation; 🔑 is one character.
    answer = "Take 🔑 `a[1]`. ", "Run `lighthouse key create`. [", "1] Then wait. [1]"
    state.faults.add(STREAM, generation(say=answer), times=1)
    text, (annotation,) = answer_of(page.ask())
    assert text[: annotation["index"]].endswith("create`. [1]")
    source = annotation["source"]
    assert source["type"] == "url"
    assert source["url"] == f"{SITE_URL}/guides/rotate-keys#new-key"
    assert source["title"] == "Rotating the signing key › Create the new key"
    assert source["description"].startswith("Run `lighthouse key create`")


def test_ids_have_128_bits_and_times_their_zone(page: Page) -> None:
    events = page.ask()
    ids = [thread_of(events), *(item["id"] for item in items(events))]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"(thr|msg)_[0-9a-f]{32}", one) for one in ids)
    times = [events[0]["thread"]["created_at"], *(item["created_at"] for item in items(events))]
    assert all(moment.endswith("Z") for moment in times)
    assert times == sorted(times)


def input_tokens(events: list[Json], log: Path) -> int:
    """How long the prompt was, by the answer's log line."""
    answer_id = items(events)[-1]["id"].removeprefix("msg_")
    tokens: int = line_of(answer_id, log)["input_tokens"]
    return tokens


def line_of(request_id: str, log: Path) -> Json:
    """A request's log line, which is written when its stream has ended."""
    assert within(2.0, lambda: f'"request_id": "{request_id}", "method"' in log.read_text())
    return next(one for one in lines_of(log, "request") if one["request_id"] == request_id)


def test_a_follow_up_is_answered_with_the_history_that_the_page_carries(
    page: Page, log: Path
) -> None:
    first = page.ask()
    with_history = page.ask(QUESTION, thread_of(first), history=items(first))
    assert kinds(with_history)[:3] == ["thread.item.done", "stream_options", "progress_update"]
    without = page.ask(QUESTION, thread_of(first))
    assert input_tokens(without, log) == input_tokens(first, log)
    assert input_tokens(with_history, log) > input_tokens(without, log) + 30


def test_a_history_is_cut_where_chat_would_refuse_it(page: Page, log: Path) -> None:
    first = page.ask()
    mine, theirs = items(first)

    def tokens(history: list[Json]) -> int:
        return input_tokens(page.ask(QUESTION, thread_of(first), history=history), log)

    def answered(text: str) -> Json:
        return {**theirs, "content": [{**theirs["content"][0], "text": text}]}

    assert tokens([mine] * 30) == tokens([mine] * 20) > tokens([mine] * 19)
    assert tokens([answered("word " * 900)]) == tokens([answered("word " * 800)])


def test_a_retry_answers_the_question_again_and_forgets_what_came_after(
    page: Page, log: Path
) -> None:
    first = page.ask()
    mine, theirs = items(first)
    later = {**mine, "id": f"msg_{'1' * 32}", "content": [{"type": "input_text", "text": "Later"}]}
    params = {"thread_id": thread_of(first), "item_id": mine["id"]}
    again = page.stream("threads.retry_after_item", params, history=[mine, theirs, later])
    assert kinds(again)[:2] == ["stream_options", "progress_update"]
    (answer,) = items(again)
    assert answer["id"] != theirs["id"]
    assert answer_of(again) == answer_of(first)
    assert input_tokens(again, log) == input_tokens(first, log)


def test_a_failure_keeps_what_was_said_and_allows_another_try(
    page: Page, state: State, log: Path
) -> None:
    state.faults.add(STREAM, generation(after=3), times=1)
    events = page.ask()
    assert kinds(events)[-3:] == ["content_part.done", "thread.item.done", "error"]
    assert answer_of(events)[0].startswith("Run")
    message = "The answer was cut off. Please try again."
    wanted = {"type": "error", "code": "custom", "message": message, "allow_retry": True}
    assert events[-1] == wanted
    answer_id = items(events)[-1]["id"].removeprefix("msg_")
    line = line_of(answer_id, log)
    assert (line["problem"], line["severity"]) == ("upstream-truncated", "ERROR")


def test_what_is_withheld_for_safety_is_taken_back(page: Page, state: State) -> None:
    state.faults.add(STREAM, generation(after=3, finish="SAFETY"), times=1)
    events = page.ask()
    assert kinds(events)[-2:] == ["thread.item.removed", "error"]
    assert len(items(events)) == 1
    assert events[-1]["allow_retry"] is False


def test_a_failure_before_the_answer_is_an_error_event_too(page: Page, state: State) -> None:
    state.faults.add(STREAM, generation(after=0))
    events = page.ask()
    assert kinds(events)[-1] == "error"
    assert events[-1]["allow_retry"] is True
    assert "thread.item.added" not in kinds(events)


def test_a_visitor_who_leaves_ends_the_models_stream(page: Page, state: State, log: Path) -> None:
    state.faults.add(STREAM, generation(say=("word ",), after=1, endless=True), times=1)
    body = {"type": "threads.create", "params": {"input": said(QUESTION)}}
    with httpx.stream("POST", f"{page.url}/chatkit", json=body, timeout=60) as response:
        lines = response.iter_lines()  # httpx hangs up when nobody holds it any more
        assert any("text_delta" in line for line in lines)
        assert state.stats.open_streams == 1
    request_id = response.headers["x-request-id"]
    assert within(2.0, lambda: state.stats.open_streams == 0)
    written = line_of(request_id, log)
    assert written["aborted"] is True
    assert written["chatkit"] == "threads.create"


def test_feedback_is_the_log_line_of_the_feedback_route(page: Page, log: Path) -> None:
    events = page.ask()
    _, answer = items(events)
    for kind in ("positive", "negative"):
        params = {"thread_id": thread_of(events), "item_ids": [answer["id"]], "kind": kind}
        assert page.send("items.feedback", params).json() == {}
    answer_id = answer["id"].removeprefix("msg_")
    lines = [line for line in lines_of(log, "feedback") if line["request_id"] == answer_id]
    assert [line["thumb"] for line in lines] == ["up", "down"]


def test_a_carried_thread_is_read_renamed_and_deleted(page: Page) -> None:
    events = page.ask()
    thread, history = thread_of(events), items(events)
    shown = page.get("thread", "threads.get_by_id", {"thread_id": thread}, history=history)
    assert shown["items"]["data"] == history
    assert page.get("threads", "threads.list", {}, history=history)["data"] == []
    first = page.get("items", "items.list", {"thread_id": thread, "limit": 1}, history=history)
    assert (first["data"], first["has_more"]) == ([history[1]], True)
    params = {"thread_id": thread, "limit": 1, "after": first["after"]}
    second = page.get("items", "items.list", params, history=history)
    assert (second["data"], second["has_more"]) == ([history[0]], False)
    renamed = page.get("thread", "threads.update", {"thread_id": thread, "title": "Keys"})
    assert renamed["title"] == "Keys"
    assert page.send("threads.delete", {"thread_id": thread}).json() == {}


def test_a_new_thread_is_nobody_elses(page: Page) -> None:
    page.ask()
    assert page.get("threads", "threads.list", {})["data"] == []


ACTION = {"thread_id": NOBODYS, "action": {"type": "x", "payload": None}}
UPLOAD = {"name": "a.txt", "size": 1, "mime_type": "text/plain"}
STRUCTURED = {"thread_id": NOBODYS, "item_id": "x", "input": {"answers": {}}}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("threads.add_client_tool_output", {"thread_id": NOBODYS, "result": 1}),
        ("threads.add_structured_input", STRUCTURED),
        ("threads.custom_action", ACTION),
        ("threads.sync_custom_action", ACTION),
        ("attachments.create", UPLOAD),
        ("attachments.delete", {"attachment_id": "x"}),
        ("input.transcribe", {"audio_base64": "", "mime_type": "audio/webm"}),
    ],
)
def test_what_is_not_offered_is_refused(page: Page, kind: str, params: Json) -> None:
    response = page.send(kind, params)
    assert problem_of(response) == (422, "invalid-request")
    assert response.json()["errors"] == [{"pointer": "/type", "reason": "is not offered here"}]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("threads.get_by_id", {"thread_id": NOBODYS}),
        ("items.list", {"thread_id": NOBODYS}),
        ("threads.retry_after_item", {"thread_id": NOBODYS, "item_id": "x"}),
        ("threads.add_user_message", {"thread_id": "thr_12345678", "input": said("x")}),
        ("threads.add_user_message", {"thread_id": f"{NOBODYS}/../x", "input": said("x")}),
        ("threads.update", {"thread_id": "x", "title": "x"}),
        ("threads.delete", {"thread_id": "x"}),
        ("items.feedback", {"thread_id": "x", "item_ids": [], "kind": "positive"}),
    ],
)
def test_an_unknown_thread_is_not_found(page: Page, kind: str, params: Json) -> None:
    response = page.send(kind, params)
    assert problem_of(response) == (404, "not-found")
    assert response.json()["detail"] == "This conversation is not there any more."


def test_an_unknown_message_is_not_found(page: Page) -> None:
    events = page.ask()
    thread, history = thread_of(events), items(events)
    for item_id in ("x", history[1]["id"]):  # the second one is an answer
        params = {"thread_id": thread, "item_id": item_id}
        response = page.send("threads.retry_after_item", params, history=history)
        assert problem_of(response) == (404, "not-found")
    response = page.send("items.list", {"thread_id": thread, "after": "x"}, history=history)
    assert problem_of(response) == (404, "not-found")


SECRET = "what-was-sent"
BAD_INPUT = {**said("x"), "content": [{"type": SECRET, "text": "x"}]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/type"),
        ({"type": SECRET}, "/type"),
        ({"type": "threads.create"}, "/params"),
        (
            {"type": "threads.create", "params": {"input": BAD_INPUT}},
            "/params/input/content/0/type",
        ),
        (
            {"type": "threads.create", "params": {"input": said("x" * 4001)}},
            "/params/input/content",
        ),
        ({"type": "threads.create", "params": {"input": said("\u200b")}}, "/params/input/content"),
        ({"type": "threads.list", "params": {"limit": 0}}, "/params/limit"),
        ({"type": "threads.list", "params": {"limit": 101}}, "/params/limit"),
        ({"type": "threads.list", "params": {"limit": SECRET}}, "/params/limit"),
        ({"type": "threads.list", "params": {}, "metadata": SECRET}, "/metadata"),
        ({"type": "threads.list", "params": {}, "metadata": {"history": 1}}, "/metadata/history"),
        ({"type": "threads.list", "params": {}, "metadata": {"history": [1]}}, "/metadata/history"),
        (
            {"type": "threads.update", "params": {"thread_id": NOBODYS, "title": " "}},
            "/params/title",
        ),
        (
            {
                "type": "items.feedback",
                "params": {"thread_id": NOBODYS, "item_ids": ["x"], "kind": "positive"},
            },
            "/params/item_ids",
        ),
        (
            {
                "type": "threads.create",
                "params": {"input": {**said("x"), "attachments": ["a"]}},
            },
            "/params/input/attachments",
        ),
    ],
)
def test_a_bad_body_is_refused_with_the_field_and_without_what_was_sent(
    page: Page, body: Json, pointer: str
) -> None:
    response = httpx.post(f"{page.url}/chatkit", json=body, timeout=60)
    assert problem_of(response) == (422, "invalid-request")
    assert response.json()["errors"][0]["pointer"] == pointer
    assert SECRET not in response.text


@pytest.mark.parametrize("place", ["text", "tag", "metadata"])
def test_half_a_character_is_refused_or_unheard(page: Page, place: str) -> None:
    tag = {"type": "input_tag", "id": "1", "text": "x", "data": {"a": "HALF"}}
    content = {"text": [{"type": "input_text", "text": "HALF"}], "tag": [tag]}.get(place)
    sent = {**said("Hello"), "content": content} if content else said("Hello")
    body = {"type": "threads.create", "params": {"input": sent}, "metadata": {"a": "HALF"}}
    text = httpx.Request("POST", page.url, json=body).content.replace(b"HALF", b"\\ud800")
    headers = {"content-type": "application/json"}
    response = httpx.post(f"{page.url}/chatkit", content=text, headers=headers, timeout=60)
    assert response.status_code == (200 if place == "metadata" else 422)
