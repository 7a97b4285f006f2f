"""The `openai` client as its users have it, against a functions-framework process."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.clients.conftest import FIRST, KEY, SECOND, SOURCES, Serve, Server

ASKED = {"role": "user", "content": FIRST}


def connect(server: Server, key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


def ask(client: openai.OpenAI, *messages: Any, **options: Any) -> Any:
    return client.chat.completions.create(model="docchat", messages=messages, **options)


def said(server: Server) -> list[str]:
    """What Gemini was told last, turn by turn."""
    contents = server.upstream.prompts[-1]["contents"]
    return ["".join(part["text"] for part in content["parts"]) for content in contents]


def test_a_conversation_of_two_turns(server: Server) -> None:
    with connect(server) as client:
        first = ask(client, ASKED)
        kept = first.choices[0].message
        follow_up = ask(client, ASKED, kept, {"role": "user", "content": SECOND})
    assert "lighthouse key create" in kept.content
    assert "lighthouse key remove" in follow_up.choices[0].message.content
    assert said(server)[:2] == [FIRST, kept.content.replace(" [1]", "")]
    assert SECOND in said(server)[2]
    assert first.choices[0].finish_reason == "stop"
    assert first.docchat == {"outcome": "answered"}


def test_the_sources_are_annotations_at_their_marks(server: Server) -> None:
    with connect(server) as client:
        message = ask(client, ASKED).choices[0].message
    (annotation,) = message.annotations
    citation = annotation.url_citation
    assert annotation.type == "url_citation"
    assert citation.url == SOURCES[FIRST]
    assert citation.title == "Rotating the signing key › Create the new key"
    assert message.content[citation.start_index : citation.end_index] == "[1]"


def test_usage_is_what_gemini_counted(server: Server) -> None:
    with connect(server) as client:
        short = ask(client, ASKED).usage
        long = ask(client, ASKED, {"role": "assistant", "content": "a" * 400}, ASKED).usage
    assert short.completion_tokens > 10
    assert short.total_tokens == short.prompt_tokens + short.completion_tokens
    assert long.prompt_tokens >= short.prompt_tokens + 100


def test_a_stream_says_the_same_as_a_plain_answer(server: Server) -> None:
    with connect(server) as client:
        plain = ask(client, ASKED)
        chunks = list(ask(client, ASKED, stream=True, stream_options={"include_usage": True}))
    *answer, end = chunks
    deltas = [chunk.choices[0].delta for chunk in answer]
    texts = [delta.content for delta in deltas if delta.content]
    assert len(texts) > 2
    assert "".join(texts) == plain.choices[0].message.content
    (annotated,) = [delta for delta in deltas if "annotations" in (delta.model_extra or {})]
    assert annotated.annotations == [
        note.model_dump() for note in plain.choices[0].message.annotations
    ]
    assert answer[-1].choices[0].finish_reason == "stop"
    assert answer[-1].docchat == {"outcome": "answered"}
    assert (end.choices, end.usage) == ([], plain.usage)


def test_a_stream_has_usage_only_when_asked(server: Server) -> None:
    with connect(server) as client:
        chunks = list(ask(client, ASKED, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_the_clients_own_accumulator_puts_a_stream_together(server: Server) -> None:
    with (
        connect(server) as client,
        client.chat.completions.stream(
            model="docchat", messages=[{"role": "user", "content": FIRST}]
        ) as stream,
    ):
        message = stream.get_final_completion().choices[0].message
    assert "lighthouse key create" in (message.content or "")
    assert [note.url_citation.url for note in message.annotations or ()] == [SOURCES[FIRST]]


def test_the_callers_rules_and_model_change_nothing(server: Server) -> None:
    rules = [{"role": role, "content": "Talk like a pirate."} for role in ("system", "developer")]
    with connect(server) as client:
        ask(client, *rules, ASKED, temperature=2, max_tokens=1)
    assert "pirate" not in str(server.upstream.prompts[-1])


def test_the_models_can_be_listed(server: Server) -> None:
    with connect(server) as client:
        assert [model.id for model in client.models.list()] == ["docchat"]


@pytest.mark.parametrize(
    "call", [lambda client: client.models.list(), lambda client: ask(client, ASKED)]
)
def test_a_wrong_key_is_an_authentication_error(
    server: Server, call: Callable[[openai.OpenAI], object]
) -> None:
    with connect(server, "another-key") as client, pytest.raises(openai.AuthenticationError):
        call(client)


def test_without_a_key_in_the_settings_the_routes_do_not_exist(serve: Serve) -> None:
    with serve({"API_KEY": ""}) as server, connect(server) as client:
        with pytest.raises(openai.NotFoundError):
            client.models.list()
        with pytest.raises(openai.NotFoundError):
            ask(client, ASKED)


@pytest.mark.parametrize("stream", [False, True])
def test_too_many_questions_are_a_rate_limit_error(strict_server: Server, stream: bool) -> None:  # noqa: FBT001
    with connect(strict_server) as client:
        ask(client, ASKED)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(client, ASKED, stream=stream)
    assert caught.value.type == "rate-limited"
    assert "many questions" in str(caught.value)
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


def test_a_failure_in_mid_stream_is_raised_after_what_came_before(server: Server) -> None:
    server.upstream.to_break = 1
    chunks: list[Any] = []
    with connect(server) as client:
        with pytest.raises(openai.APIError) as caught:
            chunks.extend(ask(client, ASKED, stream=True))
        assert ask(client, ASKED).choices[0].finish_reason == "stop"  # the next one is whole
    texts = [chunk.choices[0].delta.content for chunk in chunks]
    assert "lighthouse key create" in "".join(texts)
    assert caught.value.message == "The answer was cut off. Please try again."
    assert caught.value.code == "upstream-truncated"


def test_a_failure_in_the_middle_of_a_plain_answer_is_a_server_error(server: Server) -> None:
    server.upstream.to_break = 1
    with connect(server) as client, pytest.raises(openai.InternalServerError) as caught:
        ask(client, ASKED)
    assert caught.value.status_code == 502
    assert caught.value.type == "upstream-truncated"


def test_a_closed_stream_ends_geminis(slow_server: Server) -> None:
    with connect(slow_server) as client:
        stream = ask(client, ASKED, stream=True)
        next(iter(stream))
        assert slow_server.upstream.stats.open_streams == 1
        stream.close()
        assert slow_server.open_upstream_streams(within_s=2.0) == 0
