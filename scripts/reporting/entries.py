"""docchat's log lines, from a file of them or from Cloud Logging's and BigQuery's exports."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

MESSAGES = frozenset({"request", "question", "feedback"})
"""The lines that the report reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of docchat's: when it was written, if the log says so, and its fields."""

    time: datetime | None
    fields: Mapping[str, Any]

    @property
    def message(self) -> str:
        """What kind of line it is."""
        return str(self.fields["message"])


@dataclass(slots=True)
class Unread:
    """How many lines were none of docchat's JSON; filled in while the entries are taken."""

    lines: int = 0


def entries(lines: Iterable[str], unread: Unread) -> Iterator[Entry]:
    """The lines that a report is made of, in their order.

    Each line is an object: docchat's own, or a `LogEntry` with it in `jsonPayload`. A file may
    also be one array of those, as `gcloud logging read --format=json` prints it.
    """
    for found in _objects(lines, unread):
        payload = found.get("jsonPayload", found)
        if isinstance(payload, str):  # BigQuery's TO_JSON_STRING
            payload = _parsed(payload)
        if not isinstance(payload, dict) or payload.get("message") not in MESSAGES:
            continue
        yield Entry(_time(found.get("timestamp") or payload.get("time")), payload)


def _objects(lines: Iterable[str], unread: Unread) -> Iterator[dict[str, Any]]:
    rest = (line for line in lines if line.strip())
    first = next(rest, "")
    if first.lstrip().startswith("["):
        yield from _array("".join(chain([first], rest)), unread)
        return
    for line in chain([first] if first else [], rest):
        found = _parsed(line)
        if isinstance(found, dict):
            yield found
        else:
            unread.lines += 1


def _array(text: str, unread: Unread) -> Iterator[dict[str, Any]]:
    found = _parsed(text)
    if not isinstance(found, list):
        unread.lines += text.count("\n") + 1
        return
    for item in found:
        if isinstance(item, dict):
            yield item
        else:
            unread.lines += 1


def _parsed(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):  # a log may hold anything
        return None
    return parsed


def _time(value: object) -> datetime | None:
    """RFC 3339 as Cloud Logging and BigQuery write it; in UTC."""
    try:
        found = datetime.fromisoformat(str(value).strip().replace(" UTC", "Z"))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
