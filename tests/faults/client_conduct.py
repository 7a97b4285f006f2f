"""Client faults that are more than one request: C15, C16, C19, C27-C31."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx

from tests.faults.bench import PIECE_S, Bench, Server, terminate
from tests.faults.rows import Row, alive, assert_readable, problem
from tests.faults.streams import ending
from tests.faults.wire import ALLOWED, CANARY, connect, post, request

_QUESTION = {"query": f"How do I create a new signing key, {CANARY}?"}
_STREAM = {"accept": "text/event-stream"}
_ABORTED = '"aborted": true'
_DRAIN_S = 8.0  # the platform gives ten
_SHED_S = 0.3  # the figure on an idle machine is 0.05; a shared one pauses


@contextmanager
def _streaming(server: Server) -> Iterator[httpx.Response]:
    """A stream of which the first piece has arrived."""
    headers = {**_STREAM, "origin": ALLOWED}
    with httpx.stream("POST", f"{server.url}/chat", json=_QUESTION, headers=headers) as response:
        assert response.status_code == 200
        yield response


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def _leaves(bench: Bench) -> None:
    server = bench.slow
    assert _within(5.0, lambda: server.stats.open_streams == 0)
    before = len(server.log.read_text())
    with _streaming(server):
        assert server.stats.open_streams == 1
    assert _within(1.0, lambda: server.stats.open_streams == 0)
    assert _within(1.0, lambda: _ABORTED in server.log.read_text()[before:])
    assert '"ERROR"' not in server.log.read_text()[before:]


def _slow_body(bench: Bench) -> None:
    seconds, answer = bench.late_body.result()
    assert (answer.status, problem(answer)) == (408, "request-timeout")
    assert_readable(answer)
    assert 9.5 < seconds < 12


def _slow_headers(bench: Bench) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(connect(bench.fast.url))
            connection.sendall(b"POST /chat HTTP/1.1\r\nhost: docchat\r\n")
        started = time.monotonic()
        assert all(alive(bench.fast) for _ in range(20))
        assert time.monotonic() - started < 2


def _health_head(bench: Bench) -> None:
    answer = bench.health.ask(request("HEAD", "/health"))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("content-length") != "0"


def _over_the_rate(bench: Bench) -> None:
    def ask(forwarded_for: str) -> tuple[int, str]:
        answer = bench.limited.ask(post({"query": "hello"}, {"x-forwarded-for": forwarded_for}))
        assert_readable(answer)
        assert answer.status == 200 or problem(answer) == "rate-limited"
        return answer.status, answer.header("retry-after")

    assert [ask("6.6.6.6, 1.2.3.4")[0] for _ in range(2)] == [200, 200]
    status, wait = ask("6.6.6.6, 1.2.3.4")
    assert status == 429
    assert 1 <= int(wait) <= 60
    assert ask("7.7.7.7, 1.2.3.4")[0] == 429
    assert ask("6.6.6.6, 1.2.3.5")[0] == 200


def _over_the_streams(bench: Bench) -> None:
    server = bench.slow
    assert _within(5.0, lambda: server.stats.open_streams == 0)
    with _streaming(server), _streaming(server):
        asked = server.stats.calls.total()
        started = time.monotonic()
        answer = server.ask(post(_QUESTION, _STREAM))
        assert time.monotonic() - started < _SHED_S
        assert (answer.status, problem(answer)) == (503, "overloaded")
        assert_readable(answer)
        assert int(answer.header("retry-after")) >= 1
        assert server.stats.calls.total() == asked
    assert _within(5.0, lambda: server.stats.open_streams == 0)
    with _streaming(server):
        pass


def _asked_twice(bench: Bench) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(bench.fast.ask, post(_QUESTION)) for _ in range(2)]
        first, second = (json.loads(answer.result().body) for answer in answers)
    assert first.pop("id") != second.pop("id")
    assert first == second
    assert first["sources"]


def _handler_raises(bench: Bench) -> None:
    answer = bench.broken.ask(post(_QUESTION))
    assert (answer.status, problem(answer)) == (500, "internal")
    assert_readable(answer)
    assert _within(1.0, lambda: '"error": "LookupError"' in bench.broken.log.read_text())


def _handler_raises_midway(bench: Bench) -> None:
    answer = bench.broken.ask(post(_QUESTION, _STREAM, "/midway"))
    assert answer.status == 200
    assert_readable(answer)
    assert ending(answer.body.decode()) == "internal"
    assert CANARY not in answer.body.decode()
    assert _within(1.0, lambda: '"route": "/midway"' in bench.broken.log.read_text())


def _told_to_stop(bench: Bench) -> None:
    with (
        bench.mortal(piece_s=PIECE_S) as (server, process),
        ThreadPoolExecutor(10) as pool,
        ExitStack() as stack,
    ):
        streams = [stack.enter_context(_streaming(server)) for _ in range(10)]
        started = time.monotonic()
        terminate(process)
        assert _within(2.0, lambda: _refuses_connections(server))
        endings = {ending(text.decode()) for text in pool.map(httpx.Response.read, streams)}
        assert endings <= {"instance-shutting-down", "finish"}
        assert process.wait(10) == 0
        assert time.monotonic() - started < _DRAIN_S


def _told_to_stop_before_the_first_piece(bench: Bench) -> None:
    with bench.mortal(piece_s=60) as (server, process), ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(server.ask, post(_QUESTION, how)) for how in ({}, _STREAM)]
        assert _within(10.0, lambda: server.stats.open_streams == len(waiting))
        started = time.monotonic()
        terminate(process)
        for answer in (future.result(timeout=40) for future in waiting):
            assert (answer.status, problem(answer)) == (503, "instance-shutting-down")
            assert_readable(answer)
        assert process.wait(10) == 0
        assert time.monotonic() - started < _DRAIN_S


def _refuses_connections(server: Server) -> bool:
    try:
        connect(server.url, timeout_s=1).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    return False


CONDUCT = [
    Row("C15", "leaves in the middle of a stream", "upstream closed within 1 s", _leaves),
    Row("C16", "a body that never ends", "408 request-timeout after 10 s", _slow_body),
    Row("C16", "100 connections that send half a header", "others served", _slow_headers),
    Row("C19", "HEAD /health", "200 without a body", _health_head),
    Row("C27", "over the rate, with made-up proxies", "429 rate-limited", _over_the_rate),
    Row("C28", "one stream too many", "503 overloaded at once", _over_the_streams),
    Row("C29", "the same question twice at once", "the same answer twice", _asked_twice),
    Row("C30", "a handler raises", "500 internal", _handler_raises),
    Row("C30", "a handler raises in a stream", "an error part", _handler_raises_midway),
    Row("C31", "SIGTERM with 10 open streams", "each ends, exit 0 within 8 s", _told_to_stop),
    Row(
        "C31",
        "SIGTERM while answers wait for the model",
        "503 instance-shutting-down, exit 0 within 8 s",
        _told_to_stop_before_the_first_piece,
    ),
]
