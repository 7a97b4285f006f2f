"""Comments in a silence, as the clients see them: not at all."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace

import openai
import pytest
from starlette.responses import Response

from docchat.core.models import Event, Finish, Outcome, TextDelta, Usage
from docchat.web import openai_chat, ui_stream
from docchat.web.app import Call, Endpoint
from docchat.web.streaming import StreamFormat, streamed
from tests.clients.conftest import Server
from tests.clients.test_ai_sdk import (  # noqa: F401 - fixtures: the npm packages
    answers,
    package,
    packages,
    page,
    text_of,
)
from tests.clients.upstream import Upstream
from tests.web.conftest import serve_routes

SAID = "one two three"
WIRES = {
    "/chat": ui_stream.FORMAT,
    "/v1/chat/completions": openai_chat._format(with_usage=False),
}


async def hesitant() -> AsyncGenerator[Event]:
    for word in SAID.split(" "):
        yield TextDelta(word if word == "one" else f" {word}")
        await asyncio.sleep(0.1)
    yield Finish(Outcome.ANSWERED, Usage())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that says nothing for ten times as long as it may be silent."""

    def route(wire: StreamFormat[Event]) -> Endpoint:
        async def post(call: Call) -> Response:
            restless = replace(wire, keep_alive_s=0.01)
            return await streamed(call, hesitant(), restless, asyncio.Event())

        return post

    with serve_routes({path: {"POST": route(wire)} for path, wire in WIRES.items()}) as client:
        text = client.post("/chat").text
        assert text.count(": keep-alive") >= 6
        yield str(client.base_url).rstrip("/")


def test_the_ai_sdk_reads_past_them(url: str, package: str) -> None:  # noqa: F811 - the fixture
    with page(Server(url, Upstream(delay_s=0)), package, "q") as seen:
        (message,) = answers(seen)
    assert text_of(message) == SAID
    assert seen["turns"] == [{"status": "ready", "error": None}]


def test_the_openai_client_reads_past_them(url: str) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="docchat", messages=[{"role": "user", "content": "q"}], stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == SAID
