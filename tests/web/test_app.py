import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from docchat.errors import AssistantUnavailable
from docchat.web.app import Call, Routes

Serve = Callable[[Routes], AbstractContextManager[httpx.Client]]
ORIGIN = "https://docs.example.com"


async def hello(call: Call) -> Response:
    return JSONResponse({"id": call.id})


async def broken(_: Call) -> Response:
    raise AssistantUnavailable("the key AIzaSyA1234567890123456789012345678901234 was refused")


ROUTES: Routes = {"/hello": {"POST": hello}, "/broken": {"POST": broken}}


def test_an_unknown_path_is_a_404_problem(serve: Serve) -> None:
    with serve(ROUTES) as client:
        for path in ("/nope", "/hello/", "/Hello", "//evil.example/x", "/%00", "/../hello/../x"):
            response = client.post(path)
            assert response.status_code == 404, path
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["type"] == "urn:docchat:problem:not-found"


def test_a_wrong_method_is_a_405_with_allow(serve: Serve) -> None:
    with serve(ROUTES) as client:
        response = client.put("/hello")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST, OPTIONS"


def test_an_allowed_origin_is_echoed_on_answers_and_errors(serve: Serve) -> None:
    with serve(ROUTES) as client:
        for path in ("/hello", "/broken", "/nope"):
            response = client.post(path, headers={"Origin": ORIGIN})
            assert response.headers["access-control-allow-origin"] == ORIGIN, path
            assert response.headers["vary"] == "Origin"
            assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "https://docs.example.com.evil.example",
        "https://docs.example.com:444",
        "http://docs.example.com",
        "https://DOCS.example.com",
        "https://docs.example.com/",
    ],
)
def test_any_other_origin_is_refused_and_not_echoed(serve: Serve, origin: str) -> None:
    with serve(ROUTES) as client:
        for method in ("POST", "OPTIONS"):
            response = client.request(method, "/hello", headers={"Origin": origin})
            assert response.status_code == 403
            assert response.json()["type"] == "urn:docchat:problem:origin-not-allowed"
            assert "access-control-allow-origin" not in response.headers


def test_a_preflight_is_answered_with_what_may_be_sent(serve: Serve) -> None:
    with serve(ROUTES) as client:
        response = client.options("/hello", headers={"Origin": ORIGIN})
    assert response.status_code == 204
    assert response.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert "content-type" in response.headers["access-control-allow-headers"].lower()
    assert response.headers["access-control-max-age"] == "7200"
    assert response.headers["vary"] == "Origin"


def test_a_caller_that_is_no_browser_needs_no_origin(serve: Serve) -> None:
    with serve(ROUTES) as client:
        assert client.post("/hello").status_code == 200


def test_the_operator_reads_the_cause_and_the_visitor_does_not(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("docchat").propagate = True
    with caplog.at_level(logging.INFO, logger="docchat"), serve(ROUTES) as client:
        response = client.post("/broken")
    assert response.status_code == 503
    assert "AIza" not in response.text
    record = next(r for r in caplog.records if r.getMessage() == "request")
    fields = record.fields  # type: ignore[attr-defined]
    assert record.levelno == logging.CRITICAL
    assert fields["request_id"] == response.headers["x-request-id"]
    assert fields["problem"] == "assistant-unavailable"
    assert fields["cause"] == "the key [redacted] was refused"
    assert fields["status"] == 503
    assert json.dumps(fields)
