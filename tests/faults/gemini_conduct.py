"""Gemini's faults that are more than one reply: G13, G17, G34 to G36."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory

import pytest
from rich.console import Console

from docchat.errors import IndexUnavailable, UpstreamBadResponse
from docchat.runtime import Runtime
from emulators.gemini.script import embedding
from scripts.index_docs import publish, read
from tests.faults.bench import CALL_S, FIRST_TOKEN_S, KEY, SECRET, Bench
from tests.faults.gemini_table import (
    EMBED,
    GENERATE,
    answer_of,
    assert_all,
    late,
    open_streams_become,
    ready,
)
from tests.faults.protocols import PROTOCOLS, ask, ask_all
from tests.faults.rows import Row
from tests.servers import ROOT

NEW_KEY = "a-newer-key-nobody-may-see"


def _unreachable(bench: Bench) -> None:
    server = ready(bench)
    server.wire.refuse()
    try:
        replies = ask_all(server.url)
    finally:
        server.wire.accept()
    assert_all(replies, "upstream-busy", dict.fromkeys(PROTOCOLS, 503))
    assert max(reply.seconds for reply in replies) <= late(CALL_S)
    assert ask(server.url, "json").ending == "answered"


def _upstream_is_closed(bench: Bench) -> None:
    server = ready(bench)
    stalled = answer_of().model_copy(update={"pause_s": 60.0, "pause_from": 2})
    server.faults.add(GENERATE, stalled, times=1)
    assert ask(server.url, "ui").ending == "upstream-timeout"
    assert open_streams_become(0, server)


def _key_in_its_header(bench: Bench) -> None:
    server = ready(bench)
    ask_all(server.url)
    assert server.faults.places_of(KEY) == {"x-goog-api-key"}


def _nothing_is_written(bench: Bench) -> None:
    server = ready(bench)
    server.faults.add(EMBED, embedding(missing=1))
    with TemporaryDirectory() as folder:
        variables = {
            "GEMINI_API_KEY": KEY,
            "GEMINI_BASE_URL": server.wire.url,
            "QDRANT_HOST": f"path:{folder}/index",
        }
        reading = read(ROOT / "tests/site", site_url="https://lighthouse.example.com/docs")
        with pytest.raises(UpstreamBadResponse):
            asyncio.run(publish(reading, Runtime(lambda: variables), Console(quiet=True)))
        with pytest.raises(IndexUnavailable, match="nothing is indexed"):
            asyncio.run(Runtime(lambda: variables).check_index())


def _new_key_in_time(bench: Bench) -> None:
    """The stream that is open goes on with the old key; the next question gets the new one."""
    server = bench.rotating
    server.faults.add(GENERATE, answer_of().model_copy(update={"pause_s": 0.6}), times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, server.url, "ui")
        assert open_streams_become(1, server, FIRST_TOKEN_S)
        bench.secrets.rotate(SECRET, NEW_KEY.encode())
        server.emulator.state.keys.valid = {NEW_KEY}
        assert server.stats.open_streams == 1
        after = ask(server.url, "json")
        first = slow.result()
    assert_all([after], "answered", {"json": 200})
    assert_all([first], "answered", {"ui": 200})
    assert server.faults.places_of(NEW_KEY) == {"x-goog-api-key"}


ROWS = [
    Row(
        "G36",
        "the key is exchanged while an answer streams",
        "the stream ends well; the next question is refused, the key read again, answered",
        _new_key_in_time,
    ),
    Row(
        "G13",
        "connection refused",
        "503 upstream-busy; answered as soon as it is back",
        _unreachable,
    ),
    Row(
        "G17",
        "stall: what is left upstream",
        "its stream is closed within a second",
        _upstream_is_closed,
    ),
    Row("G34", "too few vectors: indexer", "it stops and writes nothing", _nothing_is_written),
    Row("G35", "where the key is sent", "in its header, never in a URL", _key_in_its_header),
]
