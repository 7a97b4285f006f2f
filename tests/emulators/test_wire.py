import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emulators.server import serve_in_thread
from emulators.wire import Wire, WireFault, bad_wire

BODY = "0123456789" * 1000


def take_until(error: type[Exception], pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What comes before the error; that none comes is a failure."""
    try:
        yield from pieces
    except error:
        return
    pytest.fail(f"no {error.__name__}")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    async def reply(request: Request) -> Response:
        return PlainTextResponse(BODY if request.method == "GET" else await request.body())

    with serve_in_thread(
        Starlette(routes=[Route("/{path}", reply, methods=["GET", "POST"])])
    ) as url:
        yield url


@pytest.fixture
def wire(server: str) -> Iterator[Wire]:
    with bad_wire(server) as wire:
        yield wire


@pytest.fixture
def http(wire: Wire) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=wire.url, timeout=5.0) as client:
        yield client


def test_without_a_fault_everything_passes_one_request_a_connection(
    wire: Wire, http: httpx.Client
) -> None:
    assert [http.get("/a").text for _ in range(3)] == [BODY] * 3
    assert http.post("/a", content=b"x" * 300_000).content == b"x" * 300_000
    assert wire.connections == 4
    assert [passed.target for passed in wire.passed] == ["/a"] * 4
    assert all(passed.size > len(BODY) for passed in list(wire.passed)[:3])


@pytest.mark.parametrize("at", [0, 50, 5000])
def test_a_reset_is_one_and_hits_the_connections_it_was_meant_for(
    wire: Wire, http: httpx.Client, at: int
) -> None:
    wire.add("/a", WireFault("reset", at=at), after=1, times=1)
    assert http.get("/a").text == BODY
    assert http.get("/b").text == BODY
    with pytest.raises(httpx.ReadError):
        http.get("/a")
    assert http.get("/a").text == BODY


def test_a_close_cuts_the_response_at_the_byte(wire: Wire, http: httpx.Client) -> None:
    http.get("/a")
    whole = wire.passed[-1].size
    wire.add("*", WireFault("close", at=whole - 1))
    with http.stream("GET", "/a") as response:
        pieces = response.iter_raw()
        assert len(b"".join(take_until(httpx.RemoteProtocolError, pieces))) == len(BODY) - 1
    wire.clear()
    wire.add("*", WireFault("close"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.get("/a")


def test_a_black_hole_takes_the_request_and_never_answers(wire: Wire, http: httpx.Client) -> None:
    wire.add("*", WireFault("stall"))
    with pytest.raises(httpx.ReadTimeout):
        http.get("/a", timeout=0.2)


def test_a_stall_and_latency_end_when_they_should(wire: Wire, http: httpx.Client) -> None:
    for at in (0, 5000):
        wire.clear()
        wire.add("*", WireFault("stall", at=at, seconds=0.2))
        started = time.monotonic()
        assert http.get("/a").text == BODY
        assert 0.2 <= time.monotonic() - started < 2


def test_a_drip_is_byte_by_byte(wire: Wire, http: httpx.Client) -> None:
    wire.add("*", WireFault("drip", at=len(BODY) - 100, seconds=0.001))
    started = time.monotonic()
    with http.stream("GET", "/a") as response:
        sizes = [len(data) for data in response.iter_raw()]
    assert sum(sizes) == len(BODY)
    assert sum(size < 10 for size in sizes) > 20
    assert time.monotonic() - started > 0.1


def test_it_refuses_and_listens_again_on_the_same_port(wire: Wire, http: httpx.Client) -> None:
    assert http.get("/a").text == BODY
    for _ in range(3):
        wire.refuse()
        with pytest.raises(httpx.ConnectError):
            http.get("/a")
        wire.accept()
        assert http.get("/a").text == BODY


def test_an_open_stream_ends_with_the_server_behind_it() -> None:
    with serve_in_thread(Starlette()) as url:
        wire = Wire(url)
    wire.start()
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{wire.url}/a")
    finally:
        wire.stop()
