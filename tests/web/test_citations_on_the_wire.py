"""Generated answers through every protocol: no number without its source ever gets out."""

import json
import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from docchat.core.canary import LeakWatch
from docchat.core.ground import Ground
from docchat.core.models import Event, FinishReason, Piece, Question
from docchat.core.wording import ENGLISH
from docchat.grounding import grounded
from docchat.web.chat import endpoint
from docchat.web.openai_chat import completions
from tests.core.citing import PARTS, cut, passages, prose
from tests.web.conftest import FakeChat, serve_routes

pytestmark = pytest.mark.no_cover  # so many inputs take twice the time when they are traced

ANSWERS = 1000
PASSAGES = tuple(passages(5))
PLACES = {passage.chunk.url for passage in PASSAGES}

Read = tuple[str, dict[int, str]]
"""The visitor's text, and the places of the sources by their numbers."""


async def generated(question: Question) -> AsyncGenerator[Event]:
    """The answer that belongs to this number, in pieces of any length."""
    dice = random.Random(question.text)  # noqa: S311 - repeatable, not secret

    async def pieces() -> AsyncIterator[Piece]:
        text = "Word " + "".join(dice.choices(PARTS, k=dice.randrange(1, 40)))
        for piece in cut(text, dice):
            yield Piece(piece)
        yield Piece(finish=FinishReason.STOP)

    ground = Ground(PASSAGES, ENGLISH)
    async for event in grounded(pieces(), ground, LeakWatch("the rules")):
        yield event


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    chat = FakeChat(generated)
    routes = {"/chat": {"POST": endpoint(chat)}, "/v1": {"POST": completions(chat)}}
    with serve_routes(routes) as client:
        yield client


def as_json(client: httpx.Client, number: str) -> Read:
    body = client.post("/chat", json={"query": number}).json()
    return body["response"], {source["n"]: source["url"] for source in body["sources"]}


def as_ui_stream(client: httpx.Client, number: str) -> Read:
    headers = {"accept": "text/event-stream"}
    parts = events(client.post("/chat", json={"query": number}, headers=headers))
    sources = [part for part in parts if part["type"] == "source-url"]
    text = "".join(part["delta"] for part in parts if part["type"] == "text-delta")
    return text, {int(source["sourceId"]): source["url"] for source in sources}


def as_openai(client: httpx.Client, number: str) -> Read:
    (choice,) = client.post("/v1", json=asked(number)).json()["choices"]
    return annotated(choice["message"]["content"], choice["message"]["annotations"])


def as_openai_stream(client: httpx.Client, number: str) -> Read:
    chunks = events(client.post("/v1", json=asked(number) | {"stream": True}))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    found = [one for delta in deltas for one in delta.get("annotations", [])]
    return annotated("".join(delta.get("content", "") for delta in deltas), found)


def asked(number: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": number}]}


def annotated(text: str, annotations: list[dict[str, Any]]) -> Read:
    sources = {}
    for annotation in annotations:
        cited = annotation["url_citation"]
        mark = text[cited["start_index"] : cited["end_index"]]
        sources[int(mark.strip("[]"))] = cited["url"]
    return text, sources


def events(response: httpx.Response) -> list[dict[str, Any]]:
    *found, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in found]


@pytest.mark.parametrize("ask", [as_json, as_ui_stream, as_openai, as_openai_stream])
def test_no_number_without_its_source_gets_out(
    client: httpx.Client, ask: Callable[[httpx.Client, str], Read]
) -> None:
    cited = 0
    for number in range(ANSWERS):
        text, sources = ask(client, f"answer {number}")
        shown = {int(n) for n in re.findall(r"\[\s*(\d+)\s*\]", prose(text))}
        assert shown <= sources.keys(), number
        assert sources.keys() == set(range(1, len(sources) + 1)), number
        assert set(sources.values()) <= PLACES, number
        cited += len(sources)
    assert cited > ANSWERS
