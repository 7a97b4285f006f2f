"""docs/openapi.yaml is true of the running functions."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from docchat.runtime import Runtime
from docchat.service import ChatService
from docchat.web import feedback, requests
from scripts.fuzz import DOCUMENT, KEY, fuzz
from tests.faults.problems import TYPES
from tests.functions.conftest import (  # noqa: F401 - fixtures: a configuration, the site indexed
    empty_folder,
    gemini_url,
    variables,
)
from tests.servers import functions_framework

schemathesis = pytest.importorskip("schemathesis")

SPEC: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
_METHODS = {"get", "head", "post"}
OPERATIONS = {
    (method.upper(), path)
    for path, item in SPEC["paths"].items()
    for method in item
    if method in _METHODS
}
ASKING = ("/chat", "/", "/v1/chat/completions")
WITH_BODY = (*ASKING, "/feedback")

Sent = tuple[str, dict[str, Any]]
"""Server, and what httpx is given beside method and URL."""

QUESTION = {"messages": [{"role": "user", "content": "How do I create a new signing key?"}]}
GOOD = {
    **dict.fromkeys(ASKING, QUESTION),
    "/feedback": {"id": "0" * 32, "thumb": "up", "reason": None, "text": "Thank you"},
}
AUTHORIZED = {"authorization": f"Bearer {KEY}"}
LATER = {
    408: "a slow body takes ten seconds: row C16 of the client faults",
    499: "nobody is there to see it",
    500: "nothing is known to cause it: row C30 has a handler of its own",
    502: "the provider tests break Gemini",
    504: "the provider tests slow Gemini down",
}


def test_its_routes_and_methods_are_those_of_the_functions() -> None:
    served = ChatService(Runtime(dict)).routes
    chat = {(method, path) for path, methods in served.items() for method in methods}
    health = {(m, path) for path in ("/health", "/health/live") for m in ("GET", "HEAD")}
    # What these two take their SDKs define; they are not there unless they are switched on.
    assert chat | health == OPERATIONS | {("POST", "/chatkit"), ("POST", "/mcp")}


def test_its_problem_types_are_those_of_the_errors() -> None:
    listed = SPEC["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert listed == sorted(f"urn:docchat:problem:{slug}" for slug in TYPES)


def test_each_status_names_the_problem_types_that_have_it() -> None:
    by_name = SPEC["components"]["responses"]
    for item in SPEC["paths"].values():
        for operation in (item.get(method, {"responses": {}}) for method in ("get", "post")):
            for status, response in operation["responses"].items():
                reference = response.get("$ref", "").rpartition("/")[2]
                for uri in _types(by_name[reference]) if reference else ():
                    assert TYPES[uri.removeprefix("urn:docchat:problem:")].status == int(status)


def _types(response: dict[str, Any]) -> list[str]:
    schema = response["content"]["application/problem+json"]["schema"]
    types: list[str] = schema["allOf"][1]["properties"]["type"]["enum"]
    return types


def test_its_limits_are_those_of_the_code() -> None:
    schemas = SPEC["components"]["schemas"]
    limits = schemas["Configuration"]["properties"]["limits"]["properties"]
    assert limits["message_characters"]["const"] == requests.MAX_MESSAGE_CHARS
    assert limits["history_turns"]["const"] == requests.MAX_HISTORY_TURNS
    assert limits["body_bytes"]["const"] == requests.MAX_BODY_BYTES
    assert schemas["QuestionText"]["maxLength"] == requests.MAX_MESSAGE_CHARS
    turns = schemas["Conversation"]["properties"]["messages"]["maxItems"]
    assert turns == requests.MAX_HISTORY_TURNS + 1
    said = schemas["Feedback"]["properties"]
    assert said["reason"]["maxLength"] == feedback.MAX_REASON_CHARS
    assert said["text"]["maxLength"] == feedback.MAX_TEXT_CHARS


@pytest.fixture(scope="module")
def servers(
    variables: dict[str, str],  # noqa: F811 - the fixture
    empty_folder: Path,  # noqa: F811 - the fixture
) -> Iterator[dict[str, str]]:
    """Name → URL."""
    free = {**variables, "API_KEY": KEY, "RATE_LIMIT_PER_MINUTE": "0"}
    once = {**free, "RATE_LIMIT_PER_MINUTE": "1", "RATE_LIMIT_BURST": "1"}
    changes = {
        "chat": free,
        "keyless": {**free, "API_KEY": ""},
        "misconfigured": {**free, "RATE_LIMIT_PER_MINUTE": "many"},
        "limited": once,
    }
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(
                functions_framework("chat", changed, cwd=empty_folder, covered=True)
            )
            for name, changed in changes.items()
        }
        for name, changed in (("health", free), ("unhealthy", {**free, "GEMINI_API_KEY": ""})):
            urls[name] = stack.enter_context(
                functions_framework("health", changed, cwd=empty_folder, covered=True)
            )
        yield urls


def provocations() -> Iterator[tuple[str, str, int, Sent]]:
    """Method, path, the status that must come, and what provokes it."""
    for method, path in sorted(OPERATIONS):
        health = path.startswith("/health")
        server = "health" if health else "chat"
        good = {"headers": AUTHORIZED} | ({"json": GOOD[path]} if method == "POST" else {})
        yield method, path, 204 if path == "/feedback" else 200, (server, good)
        if method == "HEAD":
            continue
        yield method, path, 414, (server, {**good, "params": "x" * 2049})
        if health:
            continue
        evil = {"headers": {**AUTHORIZED, "origin": "https://evil.example"}}
        yield method, path, 403, (server, {**good, **evil})
        yield method, path, 503, ("misconfigured", good)
        if path.startswith("/v1/"):
            yield method, path, 401, (server, {**good, "headers": {}})
            yield method, path, 404, ("keyless", good)
        if method == "POST":
            yield from bad_bodies(path)
    yield "GET", "/health", 503, ("unhealthy", {})


def bad_bodies(path: str) -> Iterator[tuple[str, str, int, Sent]]:
    json_ = {**AUTHORIZED, "content-type": "application/json"}
    yield "POST", path, 400, ("chat", {"content": b"{", "headers": json_})
    yield "POST", path, 413, ("chat", {"content": b" " * 65_537, "headers": json_})
    yield "POST", path, 415, ("chat", {"content": b"{}", "headers": AUTHORIZED})
    yield "POST", path, 422, ("chat", {"json": {}, "headers": AUTHORIZED})
    yield "POST", path, 429, ("limited", {"json": GOOD[path], "headers": AUTHORIZED})
    if path in {"/chat", "/"}:
        image = {**AUTHORIZED, "accept": "image/png"}
        yield "POST", path, 406, ("chat", {"json": QUESTION, "headers": image})


@pytest.mark.parametrize(
    ("method", "path", "status", "sent"),
    [pytest.param(*case, id=f"{case[0]} {case[1]} {case[2]}") for case in provocations()],
)
def test_a_documented_status_comes_as_documented(
    servers: dict[str, str], method: str, path: str, status: int, sent: Sent
) -> None:
    server, arguments = sent
    if status == 429:  # the first one empties the bucket, unless another test has
        httpx.request(method, f"{servers[server]}{path}", **arguments)
    response = httpx.request(method, f"{servers[server]}{path}", **arguments)
    assert response.status_code == status
    operation = schemathesis.openapi.from_path(DOCUMENT)[path][method]
    operation.validate_response(response)


def test_every_documented_status_is_provoked_or_says_where() -> None:
    provoked = {(method, path, status) for method, path, status, _ in provocations()}
    for method, path in OPERATIONS:
        if method == "HEAD":
            continue
        documented = {int(status) for status in SPEC["paths"][path][method.lower()]["responses"]}
        missing = {status for status in documented if (method, path, status) not in provoked}
        assert missing <= set(LATER), (method, path)


@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions"])
def test_a_stream_is_documented_too(servers: dict[str, str], path: str) -> None:
    headers = {**AUTHORIZED, "accept": "text/event-stream"}
    body = {**QUESTION, "stream": True}
    response = httpx.post(f"{servers['chat']}{path}", json=body, headers=headers)
    assert re.search(r"data: \[DONE\]\n\n\Z", response.text)
    schemathesis.openapi.from_path(DOCUMENT)[path]["POST"].validate_response(response)


def test_some_hundred_requests_made_from_it_find_no_failure(servers: dict[str, str]) -> None:
    sent, clean = fuzz(servers["chat"], 300)
    assert clean
    assert sent >= 300
