"""The limits of /chat hold for agents; and with MCP off, nothing of it is there."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from mcp import Client, MCPError
from starlette.datastructures import State

from emulators.gemini.script import generation
from tests.functions.conftest import empty_folder  # noqa: F401 - a fixture
from tests.mcp.conftest import lines_of
from tests.mcp.test_tools import ACCEPT, QUESTION, called, initialize, posted, problem_of, text_of
from tests.servers import ROOT, clean_environment, functions_framework

GENERATE = "streamGenerateContent"
OF_MCP = ("mcp", "mcp_types", "jsonschema", "sse_starlette", "docchat.web.mcp")
PROGRAM = f"""
import sys
import functions_framework.aio, httpx
from emulators.server import serve_in_thread
app = functions_framework.aio.create_asgi_app("chat", "functions/chat/main.py")
with serve_in_thread(app) as url:
    asked = httpx.post(url + "/chat", json={{"query": "{QUESTION}"}}, timeout=60)
    refused = httpx.post(url + "/mcp", json={initialize("2025-11-25")!r}, timeout=60)
assert asked.json()["outcome"] == "answered", asked.text
body = refused.json()
assert (refused.status_code, body["type"]) == (404, "urn:docchat:problem:not-found"), body
assert body["detail"].startswith("MCP is switched off here."), body
loaded = [name for name in {OF_MCP!r} if name in sys.modules]
assert not loaded, loaded
"""


def test_switched_off_it_is_a_problem_and_not_one_of_its_modules_is_imported(
    variables: dict[str, str],
) -> None:
    program = [sys.executable, "-c", PROGRAM]
    environment = clean_environment(variables)
    done = subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def names(requirements: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", (ROOT / requirements).read_text(), flags=re.MULTILINE))


def test_its_packages_are_the_functions_own_and_a_few_more() -> None:
    own, with_sdk = names("functions/chat/requirements.txt"), names("requirements/mcp.txt")
    assert own < with_sdk
    assert "mcp" in with_sdk - own
    assert with_sdk - names("requirements/chatkit.txt") == set()  # where both are on


async def test_the_days_budget_and_the_clients_rate_are_those_of_chat(
    variables: dict[str, str],
    empty_folder: Path,  # noqa: F811
) -> None:
    spent = {"DAILY_TOKEN_BUDGET": "10", "RATE_LIMIT_PER_MINUTE": "1", "RATE_LIMIT_BURST": "8"}
    with functions_framework("chat", variables | {"MCP": "on"} | spent, cwd=empty_folder) as base:
        url = f"{base}/mcp"
        async with Client(url) as client:
            asked = await client.call_tool("ask_docs", {"question": QUESTION})
            found = await client.call_tool("search_docs", {"query": QUESTION})
            with pytest.raises(MCPError):
                await search_ten_times(client)
        refused = posted(url, initialize("2025-11-25"))
    assert asked.structured_content
    assert asked.structured_content["outcome"] == "degraded"
    assert found.structured_content
    assert found.structured_content["results"]
    assert problem_of(refused) == (429, "rate-limited")
    assert int(refused.headers["retry-after"]) > 0


async def search_ten_times(client: Client) -> None:
    for _ in range(10):
        await client.call_tool("search_docs", {"query": QUESTION})


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that happens on another thread or in a file."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)


async def test_a_call_takes_one_of_the_slots(url: str, state: State) -> None:
    state.faults.add(GENERATE, generation(say=("word ",) * 1000), times=2)
    asking = [asyncio.create_task(called(url, "ask_docs", question=QUESTION)) for _ in range(2)]
    await until(lambda: state.stats.open_streams == 2)
    for tool, argument in (("search_docs", "query"), ("ask_docs", "question")):
        full = await called(url, tool, **{argument: QUESTION})
        assert full.is_error
        assert text_of(full).startswith("Many people are asking right now.")
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_a_client_that_leaves_ends_the_models_stream(
    url: str, state: State, log: Path
) -> None:
    state.faults.add(GENERATE, generation(say=("word ",) * 1000), times=1)
    params = {"name": "ask_docs", "arguments": {"question": QUESTION}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    async with httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.post(url, json=body, headers=ACCEPT, timeout=60))
        await until(lambda: state.stats.open_streams)
        asking.cancel()
        await until(lambda: not state.stats.open_streams)
        await until(lambda: lines_of(log)[-1].get("problem") == "caller-left")
    assert lines_of(log)[-1]["status"] == 499


def test_the_operators_switch_closes_it_too(
    variables: dict[str, str],
    empty_folder: Path,  # noqa: F811
) -> None:
    off = variables | {"MCP": "on", "CHAT_MODE": "off"}
    with functions_framework("chat", off, cwd=empty_folder) as base:
        assert problem_of(posted(f"{base}/mcp", initialize("2025-11-25"))) == (503, "switched-off")
