"""Answers of which a part is lost on the way from the model are never taken for whole ones."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from emulators.wire import WireFault
from tests.faults.bench import KEY, Bench, Server
from tests.faults.gemini_table import GENERATE, answer_of, heal
from tests.faults.protocols import PROTOCOLS, Reply, ask

pytestmark = pytest.mark.no_cover  # so many inputs take twice the time when they are traced

WIRE_STREAMS, CLEAN_STREAMS = 400, 120
_SAID = ("Run `lighthouse key create` ", "to create a new signing key. [1]")
_FAILURES = {"upstream-truncated", "upstream-bad-response", "upstream-timeout"}
_SEED = 20_261_121
_AT_ONCE = 8
_AFTER_THE_LAST_EVENT = len(b"\r\n" + b"0\r\n\r\n")  # what HTTP adds


def test_no_answer_that_broke_off_on_the_wire_ends_well(bench: Bench) -> None:
    server, dice = _ready(bench), random.Random(_SEED)  # noqa: S311 - repeatable
    server.faults.add(GENERATE, answer_of(say=_SAID))
    assert ask(server.url, "json").ending == "answered"
    most = server.wire.passed[-1].size - _AFTER_THE_LAST_EVENT - 1
    for _ in range(WIRE_STREAMS):
        at = dice.randint(0, most)
        server.wire.add(f"*:{GENERATE}*", WireFault(dice.choice(["close", "reset"]), at), times=1)
    server.wire.add(f"*:{GENERATE}*", WireFault("close", at=most))
    _assert_none_ended_well(_asked(server, WIRE_STREAMS))


def test_no_answer_that_was_cut_and_ended_cleanly_ends_well(bench: Bench) -> None:
    server, dice = _ready(bench), random.Random(_SEED)  # noqa: S311 - repeatable
    server.faults.add(GENERATE, answer_of(say=_SAID))
    events = _events(server)
    server.faults.clear()
    for _ in range(CLEAN_STREAMS):
        cut = events[: dice.randint(0, events.rindex("}"))]
        server.faults.add(GENERATE, answer_of(after=0, raw=cut), times=1)
    server.faults.add(GENERATE, answer_of(after=0))
    _assert_none_ended_well(_asked(server, CLEAN_STREAMS))


def _ready(bench: Bench) -> Server:
    heal(bench.gemini)
    return bench.gemini


def _events(server: Server) -> str:
    """The events of a whole answer, as Gemini sends them."""
    path = f"/v1/models/gemini-3.8-flash:{GENERATE}?alt=sse"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    headers = {"x-goog-api-key": KEY}
    return httpx.post(f"{server.wire.url}{path}", json=body, headers=headers).text


def _asked(server: Server, questions: int) -> list[Reply]:
    """What comes of so many questions, in every protocol in turn."""
    protocols = itertools.islice(itertools.cycle(PROTOCOLS), questions)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        replies = list(pool.map(lambda protocol: ask(server.url, protocol), protocols))
    heal(server)
    return replies


def _assert_none_ended_well(replies: list[Reply]) -> None:
    assert {reply.ending for reply in replies} <= _FAILURES
    assert any(reply.text for reply in replies)  # some cuts come after some text
    assert {reply.protocol for reply in replies} == set(PROTOCOLS)
