import io
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from docchat import logs
from docchat.web.app import Routes
from docchat.web.feedback import MAX_REASON_CHARS, MAX_TEXT_CHARS, feedback

Serve = Callable[[Routes], AbstractContextManager[httpx.Client]]
ID = "0123456789abcdef" * 2
ROUTES: Routes = {"/feedback": {"POST": feedback}}


def test_a_verdict_is_taken_and_logged(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(logs.LOGGER, "handlers", [])
    logs.configure()
    verdict = {"id": ID, "thumb": "down", "reason": "outdated", "text": "old", "extra": 1}
    with serve(ROUTES) as client:
        response = client.post("/feedback", json=verdict)
    assert (response.status_code, response.content) == (204, b"")
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    line = next(line for line in lines if line["message"] == "feedback")
    assert line["request_id"] == ID
    assert (line["thumb"], line["reason"], line["text"]) == ("down", "outdated", "old")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": None}, "/id"),
        ({"id": "not-hex"}, "/id"),
        ({"thumb": "sideways"}, "/thumb"),
        ({"thumb": ["up"]}, "/thumb"),
        ({"reason": 5}, "/reason"),
        ({"reason": "x" * (MAX_REASON_CHARS + 1)}, "/reason"),
        ({"text": "x" * (MAX_TEXT_CHARS + 1)}, "/text"),
    ],
)
def test_a_field_at_fault_is_named(serve: Serve, change: dict[str, object], pointer: str) -> None:
    with serve(ROUTES) as client:
        response = client.post("/feedback", json={"id": ID, "thumb": "up"} | change)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


def test_the_limits_themselves_are_allowed(serve: Serve) -> None:
    most = {"reason": "x" * MAX_REASON_CHARS, "text": "x" * MAX_TEXT_CHARS}
    with serve(ROUTES) as client:
        assert client.post("/feedback", json={"id": ID, "thumb": "up"} | most).status_code == 204
