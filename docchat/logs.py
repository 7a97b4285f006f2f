"""One JSON line an event on standard output, in the fields that Cloud Logging understands.

No question, answer, history or key goes into a line. What is not our own text passes through
`redact`.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from docchat.core.models import Trace
from docchat.errors import ContentFiltered, DocchatError, NotReady, RequestError

LOGGER: Final = logging.getLogger("docchat")
_SECRETS = re.compile(r"AIza[\w-]{35,}|(?i:bearer)\s+[\w.~+/=-]+|(?i:(?:api[-_]?)?key=)[^&\s]+")
_HEX = "[0-9a-fA-F]{1,4}"
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # IPv4
    rf"|\b(?:{_HEX}:){{1,7}}:(?:{_HEX}(?::{_HEX})*)?|\b(?:{_HEX}:){{4,7}}{_HEX}\b"  # IPv6
    r"|\+?\b\d(?:[ ()/.-]{0,3}\d){7,}\b"  # telephone, card and account numbers
)
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-")
_CLOUD_TRACE = re.compile(r"([0-9a-f]{32})(?:/|$)")
_SEVERITY = {logging.WARNING: "WARNING", logging.ERROR: "ERROR", logging.CRITICAL: "CRITICAL"}


def redact(text: str) -> str:
    """The text with everything that looks like a credential struck out."""
    return _SECRETS.sub("[redacted]", text)


def redact_personal(text: str) -> str:
    """The text without credentials, e-mail addresses, IP addresses and long numbers."""
    return _PERSONAL.sub("[redacted]", redact(text))


class JsonFormatter(logging.Formatter):
    """A record as one line; `extra={"fields": …}` adds its own keys."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline in it."""
        line = {
            "severity": _SEVERITY.get(record.levelno, "INFO"),
            "message": redact(record.getMessage()),
            "logger": record.name,
            **getattr(record, "fields", {}),
        }
        return json.dumps(line, ensure_ascii=False, default=str)


def configure() -> None:
    """Send docchat's records to standard output; a handler that is there stays.

    Called with every request: with `LOG_EXECUTION_ID`, which Google sets on its functions,
    functions-framework switches off every logger that it finds after it has imported them.
    """
    LOGGER.disabled = False
    if LOGGER.handlers:
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def trace_fields(headers: Mapping[str, str]) -> dict[str, str]:
    """The trace that Google's front end gave the request, as Cloud Logging wants it named."""
    match = _TRACE.match(headers.get("traceparent", ""))
    match = match or _CLOUD_TRACE.match(headers.get("x-cloud-trace-context", ""))
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not match or not project:
        return {}
    return {"logging.googleapis.com/trace": f"projects/{project}/traces/{match[1]}"}


def answer_fields(trace: Trace, *, price_input: float, price_output: float) -> dict[str, Any]:
    """What the request's line says of an answer; prices are US dollars per million tokens."""
    usage = trace.usage
    cost = (usage.input_tokens * price_input + usage.output_tokens * price_output) / 1_000_000
    return {
        "outcome": trace.outcome,
        "embedded_ms": trace.embedded_ms,
        "retrieved_ms": trace.retrieved_ms,
        "first_event_ms": trace.first_event_ms,
        "passages": trace.passages,
        "best_cosine": trace.best_cosine,
        "cited_chunks": trace.cited_chunks,
        "index_version": trace.index_version,
        "retries": trace.retries,
        "repeated": trace.repeated,
        "leaked": trace.leaked,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "estimated_cost_usd": round(cost, 6),
    }


def question(request_id: str, text: str) -> None:
    """Write the question's own line; only where the operator has asked for it."""
    fields = {"request_id": request_id, "question": redact_personal(text)}
    LOGGER.info("question", extra={"fields": fields})


def feedback(answer_id: str, thumb: str, *, reason: str, text: str) -> None:
    """Write a visitor's verdict on an answer."""
    fields = {
        "request_id": answer_id,
        "thumb": thumb,
        "reason": redact_personal(reason),
        "text": redact_personal(text),
    }
    LOGGER.info("feedback", extra={"fields": fields})


def request(fields: Mapping[str, Any], error: BaseException | None = None) -> None:
    """Write one request's line, as severe as its error."""
    LOGGER.log(_level(error), "request", extra={"fields": {**fields, **cause(error)}})


def _level(error: BaseException | None) -> int:
    if error is None or isinstance(error, RequestError | NotReady | ContentFiltered):
        return logging.INFO
    needs_operator = isinstance(error, DocchatError) and error.needs_operator
    return logging.CRITICAL if needs_operator else logging.ERROR


def cause(error: BaseException | None) -> dict[str, str]:
    """What an operator needs to know: the error's type, our message, what was behind it."""
    if error is None:
        return {}
    fields = {"error": type(error).__name__}
    if isinstance(error, DocchatError):
        fields |= {"problem": error.slug, "cause": redact(str(error))}
    else:
        # A foreign message may quote the visitor; where it was raised says enough.
        fields["at"] = _place(error)
    origin = error.__cause__
    return fields | ({"origin": type(origin).__qualname__} if origin else {})


def _place(error: BaseException) -> str:
    *_, last = traceback.extract_tb(error.__traceback__) or [None]
    return f"{Path(last.filename).name}:{last.lineno} in {last.name}" if last else "unknown"
