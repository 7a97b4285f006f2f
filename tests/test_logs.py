"""The log's schema: docs/logging.md names every field, and no field holds text of a visitor."""

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from docchat import logs
from docchat.core.models import Outcome, Trace, Usage
from docchat.errors import IndexUnavailable, Misconfigured, NotReady, OriginNotAllowed

PAGE = (Path(__file__).parent.parent / "docs/logging.md").read_text()


class Printed:
    def __init__(self, buffer: io.StringIO) -> None:
        self._buffer = buffer

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._buffer.getvalue().splitlines()]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What the real handler writes to standard output."""
    buffer = io.StringIO()
    monkeypatch.setattr(sys, "stdout", buffer)
    monkeypatch.setattr(logs.LOGGER, "handlers", [])
    logs.configure()
    return Printed(buffer)


def test_every_field_of_a_request_is_documented(printed: Printed) -> None:
    trace = Trace(outcome=Outcome.ANSWERED, usage=Usage(2431, 187))
    fields = logs.answer_fields(trace, price_input=0.75, price_output=3.75)
    logs.request({"request_id": "r", "method": "POST", "status": 200, "duration_ms": 3} | fields)
    (line,) = printed.lines()
    assert [name for name in line if f"`{name}`" not in PAGE] == []
    assert line["estimated_cost_usd"] == 0.002524


def test_an_error_is_told_with_its_cause_and_what_was_behind_it(
    printed: Printed,
) -> None:
    error = IndexUnavailable("nothing is indexed", reason="collection-missing")
    error.__cause__ = ConnectionError("with a key AIza" + "x" * 35)
    logs.request({}, error)
    (line,) = printed.lines()
    assert line == {
        "severity": "CRITICAL",
        "message": "request",
        "logger": "docchat",
        "error": "IndexUnavailable",
        "problem": "index-unavailable",
        "cause": "nothing is indexed",
        "origin": "ConnectionError",
    }


def test_a_foreign_error_is_told_by_its_place_and_not_by_its_words(
    printed: Printed,
) -> None:
    try:
        int("what the visitor wrote")
    except ValueError as exc:
        logs.request({}, exc)
    (line,) = printed.lines()
    assert line["error"] == "ValueError"
    assert str(line["at"]).startswith("test_logs.py:")
    assert "visitor" not in json.dumps(line)


@pytest.mark.parametrize(
    ("error", "severity"),
    [
        (None, "INFO"),
        (OriginNotAllowed("x"), "INFO"),
        (NotReady("x"), "INFO"),
        (IndexUnavailable("x"), "ERROR"),
        (ValueError("x"), "ERROR"),
        (Misconfigured("x"), "CRITICAL"),
    ],
)
def test_the_severity_says_who_has_to_act(
    error: Exception | None, severity: str, printed: Printed
) -> None:
    logs.request({}, error)
    assert printed.lines()[0]["severity"] == severity


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key AIzaSyA1234567890123456789012345678901234", "key [redacted]"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: [redacted]"),
        ("https://x.example/?key=secret&a=b", "https://x.example/?[redacted]&a=b"),
        ("write to jo.doe+x@mail.example.com now", "write to [redacted] now"),
        ("from 192.168.1.20 and 2001:db8::1:2:3", "from [redacted] and [redacted]"),
        ("call +49 (0)89 1234-5678", "call [redacted]"),
        ("port 8080, version 3.11.7, error 503", "port 8080, version 3.11.7, error 503"),
    ],
)
def test_what_identifies_a_person_or_a_key_is_struck_out(text: str, shown: str) -> None:
    assert logs.redact_personal(text) == shown


def test_a_question_and_a_feedback_have_redacted_lines_of_their_own(
    printed: Printed,
) -> None:
    logs.question("r1", "mail me@example.com?")
    logs.feedback("r1", "down", reason="outdated", text="see me@example.com")
    question, feedback = printed.lines()
    assert question["question"] == "mail [redacted]?"
    assert feedback["text"] == "see [redacted]"
    assert (feedback["thumb"], feedback["reason"]) == ("down", "outdated")


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"x-cloud-trace-context": "0af7651916cd43dd8448eb211c80319c/123;o=1"},
    ],
)
def test_the_trace_is_named_as_cloud_logging_wants_it(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    trace = {"logging.googleapis.com/trace": "projects/p/traces/0af7651916cd43dd8448eb211c80319c"}
    assert logs.trace_fields(headers) == trace
    assert logs.trace_fields({"traceparent": "junk"}) == {}
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    assert logs.trace_fields(headers) == {}


def test_configuring_twice_adds_no_second_handler(printed: Printed) -> None:
    logs.configure()
    logs.configure()
    ours = [handler for handler in logs.LOGGER.handlers if type(handler) is logging.StreamHandler]
    assert len(ours) == 1
    assert logs.LOGGER.level == logging.INFO
