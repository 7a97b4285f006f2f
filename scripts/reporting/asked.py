"""Questions, each joined from its lines: the request's, the question's and the visitor's thumb."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from docchat.core.models import Outcome
from docchat.core.visible import one_line
from scripts.reporting.entries import Entry

FAILED = "failed"
"""The outcome of a question that got an error in place of an answer."""

_LONGEST = 300
_HASH = re.compile(r"[0-9a-fA-F]{32,128}|[A-Za-z0-9+/]{43}=")


def is_hash(text: str) -> bool:
    """Whether it looks like a digest, in hexadecimal or Base64, and not like a question."""
    return _HASH.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the log says of one question.

    Attributes:
        id: the request's.
        time: when it was answered; None where the log has no times.
        outcome: of `Outcome`, or `failed`.
        problem: the type of the problem that it failed with.
        cited: ids of the chunks that the answer names, in their order.
        cost_usd: as estimated in the log.
        first_event_ms: how long the visitor waited for the first words.
        text: the question, in one line; "" where the log does not have it.
        thumb: the visitor's last one: `up`, `down` or "".
        reason: why, as far as the visitor said.
    """

    id: str
    time: datetime | None
    outcome: str
    problem: str = ""
    cited: tuple[str, ...] = ()
    cost_usd: float = 0.0
    tokens: int = 0
    first_event_ms: int | None = None
    text: str = ""
    thumb: str = ""
    reason: str = ""

    @property
    def unanswered(self) -> bool:
        """Whether the docs did not answer: the chat said so, or it could cite nothing."""
        return self.outcome == Outcome.NOT_FOUND or (
            self.outcome == Outcome.PARTIAL and not self.cited
        )

    @property
    def hashed(self) -> bool:
        """Whether the log has a hash in place of the question's text."""
        return is_hash(self.text)


@dataclass(frozen=True, slots=True)
class Log:
    """A log as far as a report reads it.

    Attributes:
        questions: in the order of their requests.
        turned_away: requests that were refused for coming too often.
        stray_thumbs: thumbs for answers whose request is not in the log.
    """

    questions: list[Asked]
    turned_away: int = 0
    stray_thumbs: int = 0


def joined(entries: Iterable[Entry]) -> Log:
    """The questions of the log; a line that comes twice counts once."""
    asked: dict[str, Asked] = {}
    texts: dict[str, str] = {}
    thumbs: dict[str, Entry] = {}
    turned_away: set[str] = set()
    for entry in entries:
        fields = entry.fields
        request_id = str(fields.get("request_id", ""))
        if entry.message == "question":
            texts[request_id] = one_line(str(fields.get("question", "")), most=_LONGEST)
        elif entry.message == "feedback":
            thumbs[request_id] = _later(thumbs.get(request_id), entry)
        elif "outcome" in fields:
            asked[request_id] = _asked(request_id, entry)
        elif fields.get("problem") == "rate-limited":
            turned_away.add(request_id)
    questions = [_rated(replace(one, text=texts.get(one.id, "")), thumbs) for one in asked.values()]
    return Log(questions, len(turned_away), len(thumbs.keys() - asked.keys()))


def _asked(request_id: str, entry: Entry) -> Asked:
    fields = entry.fields
    return Asked(
        request_id,
        entry.time,
        outcome=str(fields.get("outcome") or FAILED),
        problem=str(fields.get("problem") or fields.get("error") or ""),
        cited=tuple(map(str, fields.get("cited_chunks") or ())),
        cost_usd=float(fields.get("estimated_cost_usd") or 0),
        tokens=int(fields.get("input_tokens") or 0) + int(fields.get("output_tokens") or 0),
        first_event_ms=_whole(fields, "first_event_ms"),
    )


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)  # BigQuery's numbers are floats


def _later(before: Entry | None, entry: Entry) -> Entry:
    """The last word on an answer; an export may be newest first."""
    if before is None or before.time is None or entry.time is None:
        return entry
    return entry if entry.time >= before.time else before


def _rated(one: Asked, thumbs: Mapping[str, Entry]) -> Asked:
    if one.id not in thumbs:
        return one
    fields = thumbs[one.id].fields
    reason = one_line(str(fields.get("reason") or fields.get("text") or ""), most=_LONGEST)
    return replace(one, thumb=str(fields.get("thumb", "")), reason=reason)
