"""Logs as docchat writes them, line by line."""

import json
from typing import Any

from scripts.reporting.asked import Log, joined
from scripts.reporting.entries import Unread, entries

Json = dict[str, Any]


def line(message: str, request_id: str, **fields: object) -> Json:
    return {
        "severity": "INFO",
        "message": message,
        "logger": "docchat",
        "request_id": request_id,
        **fields,
    }


def request(request_id: str, outcome: str | None = "answered", **fields: object) -> Json:
    known = {"route": "/chat", "status": 200, "outcome": outcome, "cited_chunks": []}
    usage = {"input_tokens": 100, "output_tokens": 20, "estimated_cost_usd": 0.002}
    return line("request", request_id, **{**known, **usage, **fields})


def asked(request_id: str, text: str, outcome: str = "not_found", **fields: object) -> list[Json]:
    """A question with its text."""
    return [line("question", request_id, question=text), request(request_id, outcome, **fields)]


def entry(payload: Json, day: int = 1) -> Json:
    """As Cloud Logging exports it."""
    return {"timestamp": f"2026-11-{day:02}T09:30:00.123456789Z", "jsonPayload": payload}


def lines(*objects: Json) -> list[str]:
    return [json.dumps(one) for one in objects]


def log(*objects: Json) -> Log:
    return joined(entries(lines(*objects), Unread()))
