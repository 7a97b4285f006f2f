"""Faults of a Qdrant server that are one reply: Q1 to Q11."""

from collections.abc import Callable
from http import HTTPStatus

from emulators.faults import Fault
from emulators.qdrant import trouble
from emulators.wire import WireFault
from tests.faults.bench import CALL_S, FIRST_TOKEN_S, Bench
from tests.faults.gemini_table import GENERATE, assert_all, late
from tests.faults.problems import TYPES
from tests.faults.protocols import PROTOCOLS, ask, ask_all
from tests.faults.rows import Row
from tests.faults.sites import Emulated, Site, Sites, earn_retries, within

SEARCH = "query_batch"
Break = Callable[[Emulated], None]


def ready(sites: Sites) -> Site:
    """A site at which all is well, and which has been asked."""
    sites.heal()
    earn_retries(sites.stored)
    # The first question imports the SDKs; on a busy machine that alone takes the deadline.
    assert within(30, lambda: ask(sites.stored.url, "json").ending == "answered")
    return sites.stored


def reply(fault: Fault, times: int | None = None) -> Break:
    """Plans a reply to searches."""
    return lambda qdrant: qdrant.faults.add(SEARCH, fault, times=times)


def network(fault: WireFault, times: int | None = None) -> Break:
    """Plans what happens to the reply to a search on its way."""
    return lambda qdrant: qdrant.wire.add("*/points/query/batch*", fault, times=times)


def refused(
    id_: str,
    what: str,
    break_: Break,
    slug: str,
    calls: int | None = None,
    *,
    retry_after: str | None = None,
    log: str = "",
) -> Row:
    """Every protocol has the problem, and the model is not asked without the documentation."""

    def check(bench: Bench) -> None:
        site, qdrant = ready(bench.sites), bench.sites.qdrant
        before, said = qdrant.wire.connections, bench.sites.gemini.faults.calls[GENERATE]
        break_(qdrant)
        one_alone = () if calls is None else ("ui",)
        replies = [ask(site.url, protocol) for protocol in one_alone]
        assert not calls or qdrant.wire.connections - before == calls
        replies += ask_all(site.url)
        assert_all(replies, slug, dict.fromkeys(PROTOCOLS, TYPES[slug].status))
        assert max(one.seconds for one in replies) <= late(FIRST_TOKEN_S)
        assert retry_after is None or {one.retry_after for one in replies} == {retry_after}
        assert bench.sites.gemini.faults.calls[GENERATE] == said
        assert log in site.logged()

    asked = f", {calls} calls" if calls else ""
    return Row(id_, what, f"{TYPES[slug].status} {slug}{asked}", check)


def recovers(id_: str, what: str, break_: Break) -> Row:
    """It happens once: the visitor gets the answer."""

    def check(bench: Bench) -> None:
        site, qdrant = ready(bench.sites), bench.sites.qdrant
        before = qdrant.wire.connections
        break_(qdrant)
        answer = ask(site.url, "ui")
        assert_all([answer], "answered", {"ui": HTTPStatus.OK})
        assert qdrant.wire.connections - before == 2
        assert answer.seconds <= late(FIRST_TOKEN_S)

    return Row(id_, f"{what}, once", "answered, 2 calls", check)


def _unreachable(bench: Bench) -> None:
    site = ready(bench.sites)
    with bench.sites.qdrant.down():
        replies = ask_all(site.url)
    assert_all(replies, "index-unavailable", dict.fromkeys(PROTOCOLS, 503))
    assert max(one.seconds for one in replies) <= late(CALL_S)
    assert ask(site.url, "json").ending == "answered"


_INDEX, _BUSY, _BAD = "index-unavailable", "upstream-busy", "upstream-bad-response"
_SET_UP, _LATE = "assistant-unavailable", "upstream-timeout"
_CRITICAL = '"severity": "CRITICAL"'
_RESET, _CLOSED = WireFault("reset"), WireFault("close", at=300)

ROWS = [
    Row(
        "Q1", "connection refused", "503 index-unavailable; answered when it is back", _unreachable
    ),
    refused("Q2", "slow reply", reply(Fault(delay_s=60)), _LATE),
    refused("Q2", "black hole", network(WireFault("stall")), _LATE),
    refused("Q2", "byte by byte", network(WireFault("drip", at=300, seconds=0.1)), _LATE),
    recovers("Q2", "black hole", network(WireFault("stall"), times=1)),
    refused("Q3", "408, the server's own time-out", reply(trouble.TIMED_OUT), _LATE),
    refused("Q3", "500", reply(trouble.INTERNAL), _INDEX, 2),
    refused("Q3", "503", reply(trouble.UNAVAILABLE), _INDEX, 2),
    refused("Q3", "503 from a proxy", reply(trouble.NO_BACKEND), _INDEX, 2),
    recovers("Q3", "408", reply(trouble.TIMED_OUT, times=1)),
    recovers("Q3", "503", reply(trouble.UNAVAILABLE, times=1)),
    refused("Q4", "401, no key", reply(trouble.NO_KEY), _SET_UP, 1, log="QDRANT_API_KEY"),
    refused("Q4", "401, wrong key", reply(trouble.WRONG_KEY), _SET_UP, 1, log=_CRITICAL),
    refused("Q4", "403", reply(trouble.FORBIDDEN), _SET_UP, 1, log=_CRITICAL),
    refused(
        "Q5", "429 that does not fit", reply(trouble.rate_limited(7)), _BUSY, 1, retry_after="7"
    ),
    refused(
        "Q5", "429 without a time", reply(trouble.rate_limited(None)), _BUSY, 2, retry_after="30"
    ),
    recovers("Q5", "429 that fits", reply(trouble.rate_limited(1), times=1)),
    refused(
        "Q6", "404, no such collection", reply(trouble.NO_COLLECTION), _INDEX, 1, log=_CRITICAL
    ),
    refused(
        "Q7",
        "400, vectors of another length",
        reply(trouble.WRONG_DIMENSION),
        _SET_UP,
        1,
        log=_CRITICAL,
    ),
    refused("Q10", "a page in place of JSON", reply(trouble.SIGN_IN), _BAD, 2),
    refused("Q10", "JSON that is cut off", reply(trouble.CUT), _BAD, 2),
    recovers("Q10", "JSON that is cut off", reply(trouble.CUT, times=1)),
    refused("Q11", "reset before the first byte", network(_RESET), _INDEX, 2),
    refused("Q11", "reset in the middle", network(WireFault("reset", at=300)), _INDEX, 2),
    refused("Q11", "closed in the middle", network(_CLOSED), _INDEX, 2),
    recovers("Q11", "reset before the first byte", network(_RESET, times=1)),
]
