from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import pytest

from docchat.core.models import Event, Finish, Outcome, Question, TextDelta, Usage
from docchat.web.openai_chat import completions
from tests.web.conftest import FakeChat, serve_routes


async def answered(question: Question) -> AsyncGenerator[Event]:
    yield TextDelta(question.text)
    yield Finish(Outcome.ANSWERED, Usage())


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serve_routes({"/v1": {"POST": completions(FakeChat(answered))}}) as client:
        yield client


SYSTEM = {"role": "system", "content": "Be rude."}
HELLO = {"role": "user", "content": "hi"}
NO_TEXT = {"type": "text", "text": 17}


@pytest.mark.parametrize(
    ("messages", "pointer"),
    [
        ([SYSTEM, {"role": "user", "content": 17}], "/messages/1/content"),
        (
            [SYSTEM, {"role": "user", "content": [NO_TEXT]}],
            "/messages/1/content",
        ),
        (
            [HELLO, SYSTEM, {"role": "tool", "content": "x"}],
            "/messages/2",
        ),
        ([SYSTEM], "/messages"),
        ("hi", "/messages"),
    ],
)
def test_a_refusal_names_the_field_as_it_was_sent(
    client: httpx.Client, messages: Any, pointer: str
) -> None:
    refused = client.post("/v1", json={"messages": messages})
    assert refused.status_code == 422
    assert pointer in refused.text
    assert "/parts" not in refused.text


def test_the_callers_own_rules_are_dropped(client: httpx.Client) -> None:
    said = client.post("/v1", json={"messages": [SYSTEM, {"role": "user", "content": "hi there"}]})
    assert said.json()["choices"][0]["message"]["content"] == "hi there"
