import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Scope

from emulators.faults import ROUTE, Fault, Faults, Faulty, named
from emulators.server import serve_in_thread


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def http(faults: Faults) -> Iterator[httpx.Client]:
    async def reply(request: Request) -> Response:
        arguments = named(request, "echo")
        return JSONResponse(arguments if arguments is not None else "fine")

    async def stream(_: Request) -> Response:
        return StreamingResponse(iter(["a", "b", "c"]))

    def method_of(scope: Scope) -> str:
        return str(scope["path"]).removeprefix("/api/") if "/api/" in scope["path"] else ""

    routes = [Route("/api/stream", stream), Route("/{rest:path}", reply)]
    middleware = [Middleware(Faulty, faults=faults, method_of=method_of)]
    app = Starlette(routes=routes, middleware=middleware)
    with serve_in_thread(app) as url, httpx.Client(base_url=url, timeout=5.0) as client:
        yield client


def test_a_status_stands_in_for_the_reply(faults: Faults, http: httpx.Client) -> None:
    faults.add("get", Fault(status=503, body={"a": 1}, headers={"retry-after": "3"}), times=1)
    faults.add("get", Fault(status=502, body="<html>"), times=1)
    reply = http.get("/api/get")
    assert (reply.status_code, reply.json(), reply.headers["retry-after"]) == (503, {"a": 1}, "3")
    reply = http.get("/api/get")
    assert (reply.status_code, reply.text) == (502, "<html>")
    assert reply.headers["content-type"].startswith("text/html")
    assert http.get("/api/get").json() == "fine"
    assert faults.calls == {"get": 3}


def test_delays_and_pauses_take_their_time(faults: Faults, http: httpx.Client) -> None:
    def seconds() -> float:
        started = time.monotonic()
        assert http.get("/api/stream").text == "abc"
        return time.monotonic() - started

    faults.add("stream", Fault(delay_s=0.2), times=1)
    faults.add("stream", Fault(pause_s=0.1), times=1)
    faults.add("stream", Fault(pause_s=0.1, pause_from=2), times=1)
    assert 0.2 <= seconds() < 1
    assert 0.2 <= seconds() < 1
    assert 0.1 <= seconds() < 1


def test_a_stall_comes_after_the_pieces_it_lets_through(faults: Faults, http: httpx.Client) -> None:
    faults.add("stream", Fault(pause_s=60, pause_from=2))
    with http.stream("GET", "/api/stream", timeout=httpx.Timeout(5.0, read=0.5)) as response:
        pieces = response.iter_text()
        assert [next(pieces), next(pieces)] == ["a", "b"]
        with pytest.raises(httpx.ReadTimeout):
            next(pieces)


def test_a_named_fault_reaches_its_method_and_no_other(faults: Faults, http: httpx.Client) -> None:
    faults.add("get", Fault(name="echo", args={"n": 1}), times=1)
    faults.add("get", Fault(name="other"), times=1)
    assert http.get("/api/get").json() == {"n": 1}
    assert http.get("/api/get").json() == "fine"


def test_it_is_planned_over_http_as_in_the_process(http: httpx.Client) -> None:
    fault = {"status": 500, "body": {"error": "x"}}
    planned = http.post(ROUTE, json={"method": "get", "fault": fault, "after": 1, "times": 1})
    assert planned.json() == {"pending": ["get"], "calls": {}, "received": {}, "sent": {}}
    assert [http.get("/api/get").status_code for _ in range(3)] == [200, 500, 200]
    seen = http.get(ROUTE).json()
    assert (seen["pending"], seen["calls"]) == ([], {"get": 3})
    assert seen["sent"]["get"] > 0
    http.post(ROUTE, json={"method": "*", "fault": fault})
    assert http.delete(ROUTE).json()["pending"] == []
    assert http.get("/api/get").status_code == HTTPStatus.OK


def test_a_fault_that_is_not_one_is_refused(http: httpx.Client) -> None:
    reply = http.post(ROUTE, json={"method": "get", "fault": {"stauts": 500}})
    assert reply.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert reply.json()[0]["loc"] == ["fault", "stauts"]


def test_it_knows_where_a_key_came_in(faults: Faults, http: httpx.Client) -> None:
    http.get("/api/get?key=s%65cret", headers={"x-key": "a secret"})
    assert faults.places_of("secret") == {"url", "x-key"}
    assert faults.places_of("nothing") == set()
    http.get("/elsewhere?key=hidden")
    assert faults.places_of("hidden") == set()
