"""Public collections of hostile and awkward inputs, sent to a real process in every place."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators.gemini import create_app
from emulators.server import serve_in_thread
from tests.faults.problems import slug_of
from tests.faults.streams import ending
from tests.servers import functions_framework

pytestmark = pytest.mark.no_cover  # so many inputs take twice the time when they are traced

_AT_ONCE = 20
_LONG_ENOUGH = 24  # characters that no header or log line has by chance
_JSON = {"content-type": "application/json"}
Build = Callable[[str], bytes]


@dataclass(frozen=True)
class Server:
    url: str
    log: Path


@pytest.fixture(scope="module", params=["full"])
def server(
    request: pytest.FixtureRequest,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """With the operator's switch as the parameter says."""
    folder = tmp_path_factory.mktemp("hostile")
    with serve_in_thread(create_app()) as gemini:
        # Few passages: what the emulator makes of them is not the point here.
        changes = {"GEMINI_BASE_URL": gemini, "RATE_LIMIT_PER_MINUTE": "0", "CONTEXT_CHARS": "1000"}
        complete = {**variables, **changes, "CHAT_MODE": request.param}
        log = folder / "log"
        with functions_framework("chat", complete, cwd=folder, log=log) as url:
            yield Server(url, log)


def items(test_data: Path, name: str = "*") -> list[dict[str, Any]]:
    files = sorted((test_data / "hostile").glob(f"{name}.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def texts(test_data: Path) -> list[str]:
    found = sorted({item["text"] for item in items(test_data)})
    assert len(found) > 1000
    return found


async def post_all(url: str, bodies: Iterable[bytes]) -> list[httpx.Response]:
    """The answers in the order of the bodies; a few are asked at once."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def post(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
        async with free:
            return await client.post(f"{url}/chat", content=body, headers=_JSON)

    # gunicorn closes a connection that was idle for two seconds, maybe while it is taken up again.
    limits = httpx.Limits(keepalive_expiry=1)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        return await asyncio.gather(*(post(client, body) for body in bodies))


def slug(response: httpx.Response) -> str:
    return slug_of(response.status_code, response.headers["content-type"], response.content)


def encoded(body: object) -> bytes:
    return json.dumps(body).encode()  # \ud800 stays an escape: half a pair has no UTF-8


def as_query(text: str) -> bytes:
    return encoded({"query": text})


def as_every_turn(text: str) -> bytes:
    turns = [("user", text), ("assistant", text), ("user", text)]
    return encoded({"messages": [{"role": role, "parts": _parts(said)} for role, said in turns]})


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def as_names_and_values(text: str) -> bytes:
    message = {"role": text, "content": text}
    return encoded({text: text, "id": text, "messages": [message]})


def as_raw_body(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("server", "build", "served"),
    [
        ("full", as_every_turn, True),
        ("search", as_query, True),
        ("full", as_names_and_values, False),
        ("full", as_raw_body, False),
    ],
    indirect=["server"],
)
async def test_a_hostile_text_is_answered_or_refused_in_our_own_words(
    server: Server, test_data: Path, build: Build, *, served: bool
) -> None:
    said = texts(test_data)
    responses = await post_all(server.url, map(build, said))
    for text, response in zip(said, responses, strict=True):
        if response.status_code == 200:
            assert served
            assert_whole(response)
        else:
            assert response.status_code < 500
            slug(response)
        assert len(text) < _LONG_ENOUGH or text not in str(response.headers)
    refused = sum(response.status_code != 200 for response in responses)
    assert refused < 0.1 * len(said) if served else refused == len(said)


def assert_whole(response: httpx.Response) -> None:
    if response.headers["content-type"].startswith("text/event-stream"):
        assert ending(response.text) == "finish"
    else:
        assert response.json()["outcome"]


async def test_no_hostile_text_gets_into_the_log(server: Server, test_data: Path) -> None:
    said = [text for text in texts(test_data) if len(text) >= _LONG_ENOUGH]
    await post_all(server.url, map(as_query, said[::10]))
    await post_all(server.url, map(as_raw_body, said[::10]))
    log = server.log.read_text()
    assert log.count('"route"') >= len(said[::10])
    for text in said:
        assert text not in log
        assert json.dumps(text, ensure_ascii=False)[1:-1] not in log


def json_cases(test_data: Path, expect: str) -> list[tuple[str, bytes]]:
    """Name and bytes of the JSON files that must be parsed (y), refused (n), or either (i)."""
    found = [
        (item["text"], base64.b64decode(item["b64"]))
        for item in items(test_data, "json_parsing")
        if item["expect"] == expect
    ]
    assert found
    return found


def as_unknown_field(raw: bytes) -> bytes:
    return b'{"query": "hello", "unknown": ' + raw + b"}"


async def both_ways(
    url: str, cases: list[tuple[str, bytes]]
) -> AsyncIterator[tuple[str, httpx.Response]]:
    for bodies in ([raw for _, raw in cases], [as_unknown_field(raw) for _, raw in cases]):
        responses = await post_all(url, bodies)
        for (name, _), response in zip(cases, responses, strict=True):
            yield name, response


async def test_what_is_not_json_is_never_accepted(server: Server, test_data: Path) -> None:
    async for name, response in both_ways(server.url, json_cases(test_data, "n")):
        assert slug(response) in {"malformed-json", "body-too-large"}, name


async def test_all_json_is_parsed_and_only_its_shape_refused(
    server: Server, test_data: Path
) -> None:
    # Which of two members with one name counts, parsers disagree on: we refuse both.
    cases = [case for case in json_cases(test_data, "y") if "duplicated_key" not in case[0]]
    for response in await post_all(server.url, [as_unknown_field(raw) for _, raw in cases]):
        assert response.status_code == 200
    for response in await post_all(server.url, [raw for _, raw in cases]):
        assert slug(response) == "invalid-request"


async def test_json_that_parsers_disagree_on_is_never_an_error_of_ours(
    server: Server, test_data: Path
) -> None:
    async for name, response in both_ways(server.url, json_cases(test_data, "i")):
        assert response.status_code == 200 or slug(response), name
        assert response.status_code < 500, name
