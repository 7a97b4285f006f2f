"""One JSON line an event on standard output, in the fields that Cloud Logging understands.

No question, answer, history or key goes into a line. What is not our own text passes through
`redact`.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from docchat.errors import AssistantUnavailable, DocchatError, RequestError

LOGGER: Final = logging.getLogger("docchat")
_SECRETS = re.compile(r"AIza[\w-]{35,}|(?i:bearer)\s+[\w.~+/=-]+|(?i:(?:api[-_]?)?key=)[^&\s]+")
_SEVERITY = {logging.WARNING: "WARNING", logging.ERROR: "ERROR", logging.CRITICAL: "CRITICAL"}


def redact(text: str) -> str:
    """The text with everything that looks like a credential struck out."""
    return _SECRETS.sub("[redacted]", text)


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
    """Send docchat's records to standard output, once; a handler that is there stays."""
    if LOGGER.handlers:
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def request(fields: Mapping[str, Any], error: BaseException | None = None) -> None:
    """Write one request's line, as severe as its error."""
    LOGGER.log(_level(error), "request", extra={"fields": {**fields, **cause(error)}})


def _level(error: BaseException | None) -> int:
    if error is None or isinstance(error, RequestError):
        return logging.INFO
    # Nobody but the operator can mend a wrong set-up.
    return logging.CRITICAL if isinstance(error, AssistantUnavailable) else logging.ERROR


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
