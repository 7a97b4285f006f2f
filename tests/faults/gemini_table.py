"""The kinds of rows of the table of Gemini's faults: what is asked, and what must come of it."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from http import HTTPStatus

from emulators.faults import Fault
from emulators.gemini.script import generation
from tests.faults.bench import FIRST_TOKEN_S, KEY, Bench, Server
from tests.faults.problems import TYPES
from tests.faults.protocols import CLIENT, PROTOCOLS, STREAMS, Reply, ask, ask_all
from tests.faults.rows import Row
from tests.faults.wire import CANARY

EMBED, GENERATE = "batchEmbedContents", "streamGenerateContent"
WHOLE = tuple(protocol for protocol in PROTOCOLS if protocol not in STREAMS)
TRACE = f"{CANARY} {KEY}"
"""What an upstream's reply may quote; no reply of ours and no log line may."""

SAID = (
    "Run `lighthouse key create` to create a new signing key. [1] ",
    "The old key stays valid for seven days, ",
    "so that alerts on their way can still be verified. [1] ",
    "Write the name of the new key into the password store. [1]",
)
"""What the model says where nothing else is wanted; the second piece is still to come when a
fault strikes in the middle."""

NOISE_S = 1.5
"""Allowed on top of every deadline, for a machine that does other things as well."""

Break = Callable[[Server], None]


def answer_of(**script: object) -> Fault:
    """A generation that says `SAID`, unless the script says otherwise."""
    return generation(**{"say": SAID, **script})


def fault(method: str, planned: Fault, times: int | None = None) -> Break:
    """Plans a fault of the emulator."""
    return lambda server: server.faults.add(method, planned, times=times)


def answers(**script: object) -> Break:
    """Plans that all generations go by the script."""
    return fault(GENERATE, answer_of(**script))


def answers_once(**script: object) -> Break:
    """Plans that the next generation goes by the script."""
    return fault(GENERATE, answer_of(**script), times=1)


def refused(
    id_: str,
    what: str,
    break_: Break,
    slug: str,
    calls: int | None = None,
    *,
    within_s: float = FIRST_TOKEN_S,
    retry_after: str | None = None,
) -> Row:
    """Nothing was said yet: every protocol has the problem's status.

    Args:
        id_: the fault's number.
        what: it, in words.
        break_: makes it happen, from now on.
        slug: the problem.
        calls: how often Gemini is asked at the stage that fails.
        within_s: the deadline that applies.
        retry_after: the header.
    """

    def check(bench: Bench) -> None:
        server = ready(bench)
        break_(server)
        counted = ("ui",) if calls else ()  # alone: retries of others would count as well
        replies = ask_all(server.url, counted)
        made = calls_of(server)
        replies += ask_all(server.url, tuple(p for p in PROTOCOLS if p not in counted))
        assert_all(replies, slug, dict.fromkeys(PROTOCOLS, TYPES[slug].status))
        assert not calls or max(made.values()) == calls
        assert max(reply.seconds for reply in replies) <= late(within_s)
        if retry_after is not None:
            assert {reply.retry_after for reply in replies} == {retry_after}

    asked = f", {calls} calls" if calls else ""
    return Row(id_, what, f"{TYPES[slug].status} {slug}{asked}", check)


def recovers(id_: str, what: str, break_: Break, *, calls: int = 2, least_s: float = 0.0) -> Row:
    """It happens once: the visitor gets the answer.

    Args:
        id_: the fault's number.
        what: it, in words.
        break_: makes it happen, once.
        calls: how often Gemini is asked at the stage that fails.
        least_s: what is waited at least before the second try.
    """

    def check(bench: Bench) -> None:
        server = ready(bench)
        break_(server)
        reply = ask(server.url, "ui")
        made = calls_of(server)
        assert_all([reply], "answered", {"ui": HTTPStatus.OK})
        assert max(made.values()) == calls
        assert least_s <= reply.seconds <= late(FIRST_TOKEN_S)

    return Row(id_, f"{what}, once", f"answered, {calls} calls", check)


def broken(id_: str, what: str, break_: Break, slug: str, *, within_s: float = 0.0) -> Row:
    """A part was said: streams end with the problem, and what was said stays; others have its
    status. The model is not asked again, and its stream is closed."""

    def check(bench: Bench) -> None:
        server = ready(bench)
        break_(server)
        replies = ask_all(server.url)
        statuses = {p: 200 if p in STREAMS else TYPES[slug].status for p in PROTOCOLS}
        assert_all(replies, slug, statuses)
        for reply in replies:
            assert reply.protocol in WHOLE or reply.text.startswith("Run `lighthouse key create`")
        assert max(reply.seconds for reply in replies) <= late(within_s)
        assert calls_of(server)[GENERATE] == len(PROTOCOLS)
        assert open_streams_become(0, server)

    return Row(id_, what, f"the stream ends with {slug}; else {TYPES[slug].status}", check)


def ends(
    id_: str,
    what: str,
    break_: Break,
    outcome: str,
    finish: str,
    *,
    holds: Callable[[str], bool] = bool,
) -> Row:
    """An answer, of this outcome, in every protocol; of its text something holds."""

    def check(bench: Bench) -> None:
        server = ready(bench)
        break_(server)
        replies = ask_all(server.url)
        assert_all(replies, outcome, dict.fromkeys(PROTOCOLS, HTTPStatus.OK))
        assert all(holds(reply.text) for reply in replies)
        assert {r.finish for r in replies if r.protocol in {"v1", "v1-stream"}} == {finish}

    return Row(id_, what, f"200 {outcome}, finish_reason {finish}", check)


def withheld(id_: str, what: str, break_: Break) -> Row:
    """The model was stopped for safety in the middle: streams say so, others show nothing."""

    def check(bench: Bench) -> None:
        server = ready(bench)
        break_(server)
        replies = {reply.protocol: reply for reply in ask_all(server.url)}
        assert {reply.status for reply in replies.values()} == {HTTPStatus.OK}
        assert replies["ui"].ending == "content-filtered"
        assert {replies[p].ending for p in ("json", "v1", "v1-stream")} == {"refused"}
        assert {replies[p].finish for p in ("v1", "v1-stream")} == {"content_filter"}
        assert not any("lighthouse" in replies[p].text for p in WHOLE)

    expected = "stream: content-filtered, on /v1 content_filter; else 200 refused, nothing shown"
    return Row(id_, what, expected, check)


def never_answered(id_: str, what: str, break_: Break) -> Row:
    """Whatever it is called, it is not an answer that ended well."""
    endings = {"upstream-truncated", "content-filtered", "refused"}

    def check(bench: Bench) -> None:
        server = ready(bench)
        break_(server)
        assert {reply.ending for reply in ask_all(server.url)} <= endings

    return Row(id_, what, " or ".join(sorted(endings)), check)


def ready(bench: Bench) -> Server:
    """The server with a Gemini that is well, and two retries in hand.

    The process may retry once for ten requests; what earlier rows have used is earned again by
    questions that need no model.
    """
    server = bench.gemini
    heal(server)
    for _ in range(20):
        greeted = CLIENT.post(f"{server.url}/chat", json={"query": "hello"})
        assert greeted.status_code == HTTPStatus.OK
    server.wire.passed.clear()
    return server


def heal(server: Server) -> None:
    """From now on all goes well."""
    server.faults.clear()
    server.wire.clear()


def assert_all(replies: Collection[Reply], ending: str, statuses: dict[str, int]) -> None:
    """Every reply ended so, with its protocol's status."""
    found = {reply.protocol: (reply.status, reply.ending) for reply in replies}
    assert found == {reply.protocol: (statuses[reply.protocol], ending) for reply in replies}


_SOON_S = 1.0


def late(deadline_s: float) -> float:
    """When it is too late."""
    return deadline_s * 1.1 + NOISE_S


def open_streams_become(wanted: int, server: Server, within_s: float = _SOON_S) -> bool:
    """Whether Gemini sees so many, at once or within these seconds."""
    deadline = time.monotonic() + within_s
    while server.stats.open_streams != wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.stats.open_streams == wanted


def calls_of(server: Server) -> Counter[str]:
    """How often each method of Gemini was called since the server was made ready."""
    targets = (passed.target for passed in list(server.wire.passed))
    return Counter(target.partition(":")[2].partition("?")[0] for target in targets)
