"""Secret Manager's faults, S1 to S10: each in a process without a key, and in one that has it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from emulators import secret_manager
from emulators.faults import Fault
from emulators.wire import WireFault
from tests.faults.bench import Bench
from tests.faults.gemini_table import NOISE_S, assert_all
from tests.faults.protocols import PROTOCOLS, Reply, ask, ask_all
from tests.faults.rows import Row
from tests.faults.sites import Site, Sites, within

_COLD_S = 4.0
_UNHURRIED_S = 2.5
"""A question that waited for Secret Manager would take its three seconds."""

_KEPT = "warm-gemini/versions/latest is not read again, its last value stays"
_STATE_S = 10.0

Break = Callable[[Sites, str], None]
"""Makes it happen to the secret of that name, from now on."""


def reply(fault: Fault, times: int | None = None) -> Break:
    """Plans a reply."""
    return lambda sites, secret: sites.secrets.faults.add(f"access/{secret}", fault, times=times)


def network(fault: WireFault) -> Break:
    """Plans what happens to the reply on its way."""
    return lambda sites, secret: sites.secrets.wire.add(f"*/{secret}/*", fault)


def version(value: str, state: str = "") -> Break:
    """Stores a new version; with a state, it is out of use."""

    def break_(sites: Sites, secret: str) -> None:
        number = sites.store.rotate(secret, value.encode())
        if state:
            sites.store.disable(secret, number, state)

    return break_


def cold(id_: str, what: str, break_: Break, word: str) -> Row:
    """There is no key: every question is told so in time, and when to come back."""

    def check(bench: Bench) -> None:
        sites = bench.sites
        sites.heal()
        url, logged = sites.cold.url, len(sites.cold.logged())
        for secret in ("cold-gemini", "cold-qdrant"):
            sites.store.rotate(secret, b"")  # whatever version an earlier row has left
            break_(sites, secret)
        replies = ask_all(url)
        assert_all(replies, "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
        assert {one.retry_after for one in replies} == {"5"}
        assert max(one.seconds for one in replies) <= _COLD_S + NOISE_S

        def told() -> bool:
            """The first ones may have waited for a read that an earlier row began."""
            assert ask(url, "json").ending == "assistant-unavailable"
            return f"/versions/latest: {word}" in sites.cold.logged()[logged:]

        assert within(_STATE_S, told)

    return Row(id_, f"{what}, no key yet", "503 assistant-unavailable within 4 s", check)


def warm(id_: str, what: str, break_: Break) -> Row:
    """There is a key: it stays, nobody waits, and the log says so once."""

    def check(bench: Bench) -> None:
        sites = bench.sites
        site = warmed(sites)
        before = site.logged().count(_KEPT)
        break_(sites, "warm-gemini")
        replies: list[Reply] = []

        def told() -> bool:
            replies.append(ask(site.url, "json"))
            return site.logged().count(_KEPT) > before

        assert within(_STATE_S, told)
        replies += [ask(site.url, "ui") for _ in range(3)]
        assert {(one.status, one.ending) for one in replies} == {(200, "answered")}
        assert max(one.seconds for one in replies) <= _UNHURRIED_S
        assert site.logged().count(_KEPT) == before + 1

    return Row(id_, f"{what}, the key is known", "answered at once, one error in the log", check)


def warmed(sites: Sites) -> Site:
    """The process that has read its keys, with a Secret Manager that is well again."""
    sites.heal()
    sites.store.rotate("warm-gemini", sites.key.encode())
    site, calls = sites.warm, sites.secrets.faults.calls
    read = calls["access/warm-gemini"]

    def read_again() -> bool:
        assert ask(site.url, "json").ending == "answered"
        return calls["access/warm-gemini"] > read

    assert within(_STATE_S, read_again)
    time.sleep(0.1)  # until the value has arrived
    return site


def _down_cold(bench: Bench) -> None:
    sites = bench.sites
    sites.heal()
    url = sites.cold.url
    with sites.secrets.down():
        replies = ask_all(url)
    assert_all(replies, "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
    assert max(one.seconds for one in replies) <= _COLD_S + NOISE_S


def _down_warm(bench: Bench) -> None:
    site = warmed(bench.sites)
    before = site.logged().count(_KEPT)
    with bench.sites.secrets.down(), ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: ask(site.url, "json"), range(40)))
        assert within(_STATE_S, lambda: site.logged().count(_KEPT) > before)
    assert {(one.status, one.ending) for one in replies} == {(200, "answered")}
    assert max(one.seconds for one in replies) <= _UNHURRIED_S
    assert site.logged().count(_KEPT) == before + 1


def _one_read(bench: Bench) -> None:
    # On a machine that stands still for four seconds, the last one asks when the read has ended.
    assert any(_reads_of_a_burst(bench) == len(("gemini", "qdrant")) for _ in range(3))


def _reads_of_a_burst(bench: Bench) -> int:
    sites = bench.sites
    sites.heal()
    network(WireFault("stall"))(sites, "stalled-*")
    with sites.running("stalled", sites.with_secrets("stalled")) as site:
        before = sites.secrets.wire.connections
        assert_all(ask_all(site.url), "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
    return sites.secrets.wire.connections - before


def _dripping(bench: Bench) -> None:
    sites = bench.sites
    sites.heal()
    network(WireFault("drip", seconds=0.01))(sites, "dripping-*")  # seven seconds in all
    with sites.running("dripping", sites.with_secrets("dripping")) as site:
        replies = ask_all(site.url)
        assert_all(replies, "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
        assert max(one.seconds for one in replies) <= _COLD_S + NOISE_S
        sites.heal()
        assert within(_STATE_S, lambda: ask(site.url, "json").ending == "answered")


def _back_again(bench: Bench) -> None:
    sites = bench.sites
    sites.heal()
    sites.secrets.faults.add("access/back-*", secret_manager.UNAVAILABLE)
    with sites.running("back", sites.with_secrets("back")) as site:
        assert ask(site.url, "json").status == 503
        sites.heal()
        assert_all([ask(site.url, "json")], "answered", {"json": 200})


def _passes(fault: Fault) -> Callable[[Bench], None]:
    def check(bench: Bench) -> None:
        sites = bench.sites
        sites.heal()
        sites.secrets.faults.add("access/passes-*", fault, times=2)
        with sites.running("passes", sites.with_secrets("passes")) as site:
            assert_all([ask(site.url, "json")], "answered", {"json": 200})

    return check


def _newline(bench: Bench) -> None:
    sites = bench.sites
    sites.heal()
    variables = sites.with_secrets("newline")
    sites.store.rotate("newline-gemini", f"{sites.key}\n".encode())
    with sites.running("newline", variables) as site:
        assert_all([ask(site.url, "json")], "answered", {"json": 200})


_FOUND = "503 assistant-unavailable, then answered without a restart"

ROWS = [
    cold("S1", "permission denied", reply(secret_manager.PERMISSION_DENIED), "Forbidden"),
    warm("S1", "permission denied", reply(secret_manager.PERMISSION_DENIED)),
    cold("S2", "not found", reply(secret_manager.NOT_FOUND), "NotFound"),
    warm("S2", "not found", reply(secret_manager.NOT_FOUND)),
    cold("S3", "version disabled", version("x", "DISABLED"), "not usable"),
    cold("S3", "version destroyed", version("x", "DESTROYED"), "not usable"),
    warm("S3", "version disabled", version("x", "DISABLED")),
    cold("S4", "unavailable", reply(secret_manager.UNAVAILABLE), "ServiceUnavailable"),
    warm("S4", "unavailable", reply(secret_manager.UNAVAILABLE)),
    Row("S4", "connection refused, no key yet", "503 within 4 s", _down_cold),
    Row("S4", "connection refused, the key is known", "answered at once", _down_warm),
    Row("S4", "unavailable, then back", _FOUND, _back_again),
    Row("S4", "unavailable twice", "answered", _passes(secret_manager.UNAVAILABLE)),
    cold("S5", "no answer", network(WireFault("stall")), "no answer in time"),
    Row("S5", "no answer, four questions at once", "one read of each secret", _one_read),
    Row("S5", "byte by byte, then well again", _FOUND, _dripping),
    warm("S5", "no answer", network(WireFault("stall", seconds=60))),
    cold("S6", "429", reply(secret_manager.QUOTA_EXCEEDED), "TooManyRequests"),
    warm("S6", "429", reply(secret_manager.QUOTA_EXCEEDED)),
    Row("S6", "429 twice", "answered", _passes(secret_manager.QUOTA_EXCEEDED)),
    cold("S7", "wrong checksum", reply(secret_manager.CORRUPT), "the checksum is wrong"),
    warm("S7", "wrong checksum", reply(secret_manager.CORRUPT)),
    Row("S7", "wrong checksum twice", "answered", _passes(secret_manager.CORRUPT)),
    cold("S9", "empty", version(""), "the secret is empty"),
    cold("S9", "white space", version(" \n"), "the secret is empty"),
    warm("S9", "empty", version("")),
    warm("S9", "characters that no key has", version("two words")),
    Row("S9", "ends with a newline", "answered", _newline),
    cold("S10", "unauthenticated", reply(secret_manager.UNAUTHENTICATED), "no account"),
    warm("S10", "unauthenticated", reply(secret_manager.UNAUTHENTICATED)),
]
