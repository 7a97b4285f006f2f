"""A row of the table of faults, and the rows that are one request and its answer."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.faults.bench import CALLER_KEY, KEY, Bench, Server
from tests.faults.problems import slug_of
from tests.faults.wire import ALLOWED, CANARY, Answer, request

Check = Callable[[Bench], None]
Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        id: the fault's number; several rows may share it.
        what: what is sent or happens.
        expected: what must come of it, in words.
        check: makes it happen and raises AssertionError when something else comes of it.
    """

    id: str
    what: str
    expected: str
    check: Check


def each(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """A test for each row."""
    return pytest.mark.parametrize("row", rows, ids=lambda row: f"{row.id} {row.what}")


def assert_holds(row: Row, bench: Bench, record: Record, *hidden: str) -> None:
    """What must come of the fault comes of it, and the log has nothing that was said, and no key.

    Args:
        row: the fault.
        bench: where it happens.
        record: pytest's `record_property`; the table that is printed is made of it.
        hidden: more texts that must not be in the log.
    """
    record("row", [row.id, row.what, row.expected])
    row.check(bench)
    logs = bench.logs()
    for text in (CANARY, KEY, CALLER_KEY, *hidden):
        assert text not in logs


def refused(id_: str, what: str, raw: bytes, slug: str, status: int) -> Row:
    """The answer is this problem, readable for the page that asked."""

    def check(bench: Bench) -> None:
        answer = bench.fast.ask(raw)
        assert (answer.status, problem(answer)) == (status, slug)
        assert_readable(answer)

    return Row(id_, what, f"{status} {slug}", check)


def accepted(id_: str, what: str, raw: bytes, *, status: int = 200) -> Row:
    """The request is served."""

    def check(bench: Bench) -> None:
        answer = bench.fast.ask(raw)
        assert answer.status == status
        assert_readable(answer)
        if raw.startswith(b"POST"):
            assert json.loads(answer.body)["outcome"]

    return Row(id_, what, str(status), check)


def unreadable(id_: str, what: str, raw: bytes) -> Row:
    """The page's origin is not allowed: refused, and the browser does not let the page read it."""

    def check(bench: Bench) -> None:
        before = sum(bench.fast.stats.calls.values())
        answer = bench.fast.ask(raw)
        assert (answer.status, problem(answer)) == (403, "origin-not-allowed")
        assert "access-control-allow-origin" not in answer.headers
        assert answer.header("vary") == "Origin"
        assert sum(bench.fast.stats.calls.values()) == before

    return Row(id_, what, "403 origin-not-allowed, no CORS headers", check)


def platform(id_: str, what: str, raw: bytes, status: int, reason: str) -> Row:
    """Answered by the platform before our code; the row holds what it does and why."""

    def check(bench: Bench) -> None:
        answer = bench.fast.ask(raw)
        assert answer.status == status
        assert CANARY not in answer.body.decode()
        assert alive(bench.fast)

    return Row(id_, what, f"{status} ({reason})", check)


def problem(answer: Answer) -> str:
    """The problem's type; nothing that was sent may be in the answer."""
    assert CANARY not in str(answer.headers)
    assert CANARY not in answer.body.decode()
    return slug_of(answer.status, answer.header("content-type"), answer.body)


def assert_readable(answer: Answer) -> None:
    """The headers that every answer of ours to an allowed page has."""
    assert answer.header("access-control-allow-origin") == ALLOWED
    assert answer.header("vary") == "Origin"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-request-id")
    assert "retry-after" in answer.header("access-control-expose-headers").lower()
    assert "access-control-allow-credentials" not in answer.headers
    assert "location" not in answer.headers


def alive(server: Server) -> bool:
    """Whether the next one is served."""
    return server.ask(request("GET")).status == 200
