"""The same question in every protocol, and what came of it in the same words."""

import json
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.bench import CALLER_KEY, KEY
from tests.faults.problems import slug_of
from tests.faults.streams import parts
from tests.faults.wire import ALLOWED, CANARY

QUESTION = f"How do I create a new signing key, {CANARY}?"
PROTOCOLS = ("json", "ui", "v1", "v1-stream")
STREAMS = frozenset({"ui", "v1-stream"})

CLIENT = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=30.0)
"""One for all: reading the trusted certificates takes longer than most of the answers."""

_DONE = "data: [DONE]"
_PREFIX = "urn:docchat:problem:"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question.

    Attributes:
        protocol: how it was asked.
        status: of the response.
        ending: the answer's outcome, or the problem with which it ended; there is one of them.
        text: as much of the answer as came.
        seconds: until the last byte.
        retry_after: the header; empty without it.
        finish: what the protocol calls the answer's end; empty for a problem.
    """

    protocol: str
    status: int
    ending: str
    text: str
    seconds: float
    retry_after: str
    finish: str = ""


def ask(url: str, protocol: str, question: str = QUESTION) -> Reply:
    """Ask, read to the end, and see that it ended once and that nothing secret is in it."""
    started = time.monotonic()
    with _post(url, protocol, question) as response:
        body = response.read().decode()
    seconds = time.monotonic() - started
    for hidden in (CANARY, KEY):
        assert hidden not in body
        assert hidden not in str(response.headers)
    read = _READERS[protocol] if response.status_code == 200 else _problem
    ending, text, finish = read(response, body)
    retry_after = response.headers.get("retry-after", "")
    return Reply(protocol, response.status_code, ending, text, seconds, retry_after, finish)


def ask_all(url: str, protocols: tuple[str, ...] = PROTOCOLS) -> list[Reply]:
    """Ask in each of them, all at the same time."""
    with ThreadPoolExecutor(len(PROTOCOLS)) as pool:
        return list(pool.map(lambda protocol: ask(url, protocol), protocols))


def _post(url: str, protocol: str, question: str) -> Any:
    path, body, headers = _request(protocol, question)
    headers |= {"origin": ALLOWED, "connection": "close"}
    return CLIENT.stream("POST", f"{url}{path}", json=body, headers=headers)


def _request(protocol: str, question: str) -> tuple[str, dict[str, object], dict[str, str]]:
    if protocol in {"json", "ui"}:
        accept = "application/json" if protocol == "json" else "text/event-stream"
        return "/chat", {"query": question}, {"accept": accept}
    messages = [{"role": "user", "content": question}]
    body: dict[str, object] = {"messages": messages, "stream": protocol in STREAMS}
    return "/v1/chat/completions", body, {"authorization": f"Bearer {CALLER_KEY}"}


_Read = tuple[str, str, str]


def _problem(response: httpx.Response, body: str) -> _Read:
    problem = json.loads(body)
    problem.pop("error", None)  # the same again, for clients of the OpenAI API
    kind = response.headers["content-type"]
    return slug_of(response.status_code, kind, json.dumps(problem).encode()), "", ""


def _json(_: httpx.Response, body: str) -> _Read:
    answer = json.loads(body)
    return answer["outcome"], answer["response"], ""


def _ui(_: httpx.Response, body: str) -> _Read:
    found = parts(_without_comments(body))
    text = "".join(part["delta"] for part in found if part["type"] == "text-delta")
    last = found[-1]
    if last["type"] == "error":
        return _slug(json.loads(last["errorText"])["type"]), text, ""
    return last["messageMetadata"]["outcome"], text, last["messageMetadata"]["finish"]


def _v1(_: httpx.Response, body: str) -> _Read:
    answer = json.loads(body)
    choice = answer["choices"][0]
    return answer["docchat"]["outcome"], choice["message"]["content"], choice["finish_reason"]


def _v1_stream(_: httpx.Response, body: str) -> _Read:
    events = [event for event in _without_comments(body).split("\n\n") if event]
    assert events.count(_DONE) == 1
    assert events[-1] == _DONE
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    finished = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    failed = [chunk["error"]["type"] for chunk in chunks if "error" in chunk]
    assert len(finished + failed) == 1
    if failed:
        assert "error" in chunks[-1]
        return failed[0], text, ""
    outcomes = [chunk["docchat"]["outcome"] for chunk in chunks if "docchat" in chunk]
    return outcomes[0], text, finished[0]


def _without_comments(body: str) -> str:
    return "\n\n".join(event for event in body.split("\n\n") if not event.startswith(":"))


def _slug(uri: str) -> str:
    assert uri.startswith(_PREFIX)
    return uri.removeprefix(_PREFIX)


_READERS: dict[str, Callable[[httpx.Response, str], _Read]] = {
    "json": _json,
    "ui": _ui,
    "v1": _v1,
    "v1-stream": _v1_stream,
}
