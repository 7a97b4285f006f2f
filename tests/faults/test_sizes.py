"""Every limit of docs/limits.md that a request can reach: one less, just so, one more."""

import json
from collections.abc import Callable

import pytest

from tests.faults.bench import Bench
from tests.faults.rows import problem
from tests.faults.wire import chunked, post, request

_AROUND = (-1, 0, 1)
_TURN = {"role": "user", "content": "hello"}


def of_bytes(size: int) -> bytes:
    """A question in a body of this many bytes."""
    frame = len(json.dumps({"query": "hello", "x": ""}))
    return json.dumps({"query": "hello", "x": "x" * (size - frame)}).encode()


def of_levels(levels: int) -> bytes:
    nested = "[" * (levels - 1) + "]" * (levels - 1)
    return f'{{"query": "hello", "x": {nested}}}'.encode()


def feedback(field: str, chars: int) -> bytes:
    verdict = {"id": "0" * 32, "thumb": "up", field: "\u00e9" * chars}
    return post(verdict, target="/feedback")


def conversation(earlier: int) -> bytes:
    return post({"messages": [_TURN] * (earlier + 1)}, {"accept": "application/json"})


def last_message(chars: int) -> bytes:
    return post({"messages": [{"role": "user", "content": "\U0001f600" * chars}]})


LIMITS: dict[str, tuple[int, Callable[[int], bytes], str]] = {
    "body": (64 * 1024, lambda n: post(of_bytes(n)), "body-too-large"),
    "body in chunks": (64 * 1024, lambda n: chunked(of_bytes(n)), "body-too-large"),
    "question": (4000, lambda n: post({"query": "x" * n}), "invalid-request"),
    "question within spaces": (4000, lambda n: post({"query": f" {'x' * n} "}), "invalid-request"),
    "message": (4000, last_message, "invalid-request"),
    "earlier turns": (20, conversation, "invalid-request"),
    "nesting": (16, lambda n: post(of_levels(n)), "malformed-json"),
    "query string": (2048, lambda n: request("GET", f"/chat?{'x' * n}"), "uri-too-long"),
    "feedback reason": (100, lambda n: feedback("reason", n), "invalid-request"),
    "feedback text": (1000, lambda n: feedback("text", n), "invalid-request"),
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("beyond", _AROUND)
def test_what_fits_is_served_and_one_more_refused(bench: Bench, name: str, beyond: int) -> None:
    limit, make, slug = LIMITS[name]
    answer = bench.fast.ask(make(limit + beyond))
    if beyond > 0:
        assert problem(answer) == slug
    else:
        assert answer.status in {200, 204}
