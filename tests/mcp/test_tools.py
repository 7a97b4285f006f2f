"""The two tools, called by the SDK's own client over HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError
from mcp_types import CallToolResult, TextContent
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS
from starlette.datastructures import State

from docchat.core.prompt import NOT_IN_DOCS
from docchat.web.requests import MAX_BODY_BYTES, MAX_MESSAGE_CHARS
from emulators.gemini.script import generation
from tests.functions.conftest import ORIGIN, SITE_URL
from tests.mcp.conftest import lines_of

QUESTION = "How do I create a new signing key?"
NEW_KEY = f"{SITE_URL}/guides/rotate-keys#new-key"
BOTH = ["auto", "legacy"]
"""How the client begins: by asking what the server is, as from 2026 on, or with a handshake."""

ACCEPT = {"accept": "application/json, text/event-stream"}


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def called(url: str, tool: str, **arguments: object) -> CallToolResult:
    async with Client(url) as client:
        result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    return result


@pytest.mark.parametrize("mode", BOTH)
async def test_both_tools_are_listed_with_what_an_agent_needs_to_choose(
    url: str, mode: str
) -> None:
    async with Client(url, mode=mode) as client:
        search, ask = (await client.list_tools()).tools
        instructions = client.instructions
    assert (search.name, ask.name) == ("search_docs", "ask_docs")
    assert instructions
    for tool, wanted in ((search, "query"), (ask, "question")):
        assert "Lighthouse" in (tool.description or "")
        assert tool.input_schema["required"] == [wanted]
        assert {"version", "locale"} < set(tool.input_schema["properties"])
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.read_only_hint is True


@pytest.mark.parametrize("mode", BOTH)
async def test_a_search_gives_the_best_passages_word_for_word(url: str, mode: str) -> None:
    async with Client(url, mode=mode) as client:  # it checks the result against the schema
        result = await client.call_tool("search_docs", {"query": QUESTION, "limit": 2})
    assert result.structured_content
    first, second = result.structured_content["results"]
    assert first["url"] == NEW_KEY
    assert first["title"] == "Rotating the signing key › Create the new key"
    assert "lighthouse key create" in first["text"]
    assert first != second
    assert first["url"] in text_of(result)


@pytest.mark.parametrize("mode", BOTH)
async def test_an_answer_comes_with_numbered_sources(url: str, mode: str, log: Path) -> None:
    async with Client(url, mode=mode) as client:
        result = await client.call_tool("ask_docs", {"question": QUESTION})
    assert result.structured_content
    assert result.structured_content["outcome"] == "answered"
    assert "[1]" in result.structured_content["answer"]
    (source,) = result.structured_content["sources"]
    assert (source["n"], source["url"]) == (1, NEW_KEY)
    assert f"[1] {source['title']}: {NEW_KEY}" in text_of(result)
    line = next(line for line in reversed(lines_of(log)) if line.get("tool") == "ask_docs")
    assert (line["mcp"], line["outcome"], line["status"]) == ("tools/call", "answered", 200)
    assert line["output_tokens"] > 0


async def test_what_the_docs_do_not_cover_is_an_outcome_and_no_error(
    url: str, state: State
) -> None:
    state.faults.add("streamGenerateContent", generation(say=(NOT_IN_DOCS,)), times=1)
    result = await called(url, "ask_docs", question="Who won the cup in 1974?")
    assert not result.is_error
    assert result.structured_content
    assert result.structured_content["outcome"] == "not_found"


async def test_a_search_stays_in_the_part_of_the_docs_that_it_names(url: str) -> None:
    found = await called(url, "search_docs", query=QUESTION, version="2.0", locale="fr", limit=1)
    assert found.structured_content
    assert len(found.structured_content["results"]) == 1  # pages without a version are in all


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("ask_docs", {}, "question is required."),
        ("ask_docs", {"question": " "}, "question must not be empty."),
        ("ask_docs", {"question": 5}, "question must be text."),
        (
            "search_docs",
            {"query": "x" * (MAX_MESSAGE_CHARS + 1)},
            f"query must have at most {MAX_MESSAGE_CHARS} characters.",
        ),
        ("search_docs", {"query": "a", "limit": 0}, "limit must be from 1 to 10."),
        ("search_docs", {"query": "a", "limit": True}, "limit must be from 1 to 10."),
        (
            "search_docs",
            {"query": "a", "version": "../x"},
            "version must be at most 100 letters, digits, spaces and ._+-.",
        ),
    ],
)
async def test_an_argument_over_its_limits_is_a_tool_error_in_one_sentence(
    url: str, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    result = await called(url, tool, **arguments)
    assert result.is_error
    assert text_of(result) == sentence


async def test_a_failure_is_a_tool_error_that_says_nothing_of_its_cause(
    url: str, state: State, log: Path
) -> None:
    state.faults.add("streamGenerateContent", generation(after=3), times=1)
    result = await called(url, "ask_docs", question=QUESTION)
    assert result.is_error
    assert text_of(result) == "The answer was cut off. Please try again."
    line = lines_of(log)[-1]
    assert (line["problem"], line["severity"]) == ("upstream-truncated", "ERROR")


async def test_another_tool_is_an_error_of_the_protocol(url: str) -> None:
    async with Client(url) as client:
        with pytest.raises(MCPError, match="There are two tools"):
            await client.call_tool("delete_docs", {})


def posted(url: str, body: object, **headers: str) -> httpx.Response:
    return httpx.post(url, json=body, headers=ACCEPT | headers, timeout=30)


def initialize(version: str) -> dict[str, Any]:
    client = {"name": "test", "version": "0"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
def test_every_version_of_the_protocol_since_the_first_is_spoken(url: str, version: str) -> None:
    welcome = posted(url, initialize(version)).json()["result"]
    assert welcome["protocolVersion"] == version
    assert welcome["serverInfo"]["name"] == "docchat"
    header = {"mcp-protocol-version": version}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert posted(url, ready, **header).status_code == 202
    listed = posted(url, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, **header).json()
    assert [tool["name"] for tool in listed["result"]["tools"]] == ["search_docs", "ask_docs"]


async def test_the_newest_version_is_spoken_without_a_handshake(url: str) -> None:
    newest = KNOWN_PROTOCOL_VERSIONS[-1]
    assert newest not in HANDSHAKE_PROTOCOL_VERSIONS
    async with Client(url, mode=newest) as client:
        assert len((await client.list_tools()).tools) == 2


def problem_of(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert body["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["type"].removeprefix("urn:docchat:problem:")


def test_the_door_is_that_of_chat(url: str) -> None:
    evil = {"origin": "https://evil.example"}
    assert problem_of(posted(url, initialize("2025-11-25"), **evil)) == (403, "origin-not-allowed")
    ours = posted(url, initialize("2025-11-25"), origin=ORIGIN)
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    too_large = {"jsonrpc": "2.0", "id": "x" * MAX_BODY_BYTES, "method": "ping"}
    assert problem_of(posted(url, too_large)) == (413, "body-too-large")
    assert problem_of(posted(url, [])) == (422, "invalid-request")
    assert problem_of(httpx.get(url, headers=ACCEPT)) == (405, "method-not-allowed")
