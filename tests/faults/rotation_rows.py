"""Keys that change while a process runs, S8."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.bench import Bench
from tests.faults.gemini_table import assert_all
from tests.faults.protocols import Reply, ask
from tests.faults.rows import Row
from tests.faults.sites import Emulated, Site, Sites, within

_SEEN_S = 10.0
_SERVICES = ("gemini", "qdrant")


def _keys(sites: Sites, service: str) -> tuple[Emulated, str, str]:
    """The service, the key that it has taken so far, and the next one."""
    if service == "gemini":
        return sites.gemini, sites.key, f"{sites.key}-new"
    return sites.qdrant, sites.qdrant_key, f"{sites.qdrant_key}-new"


def _asked_at_once(site: Site, count: int) -> list[Reply]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ask(site.url, "json"), range(count)))


def _both_valid(service: str) -> Callable[[Bench], None]:
    def check(bench: Bench) -> None:
        sites, name = bench.sites, f"rotated-{service}"
        sites.heal()
        emulated, old, new = _keys(sites, service)
        with sites.running(name, {**sites.with_secrets(name), "SECRET_TTL_S": "0.3"}) as site:
            assert_all([ask(site.url, "json")], "answered", {"json": 200})
            emulated.accepts(old, new)
            sites.store.rotate(f"{name}-{service}", new.encode())
            emulated.faults.requests.clear()

            def in_use() -> bool:
                assert_all([ask(site.url, "json")], "answered", {"json": 200})
                return bool(emulated.faults.places_of(new))

            assert within(_SEEN_S, in_use)
            emulated.accepts(new)
            assert_all(_asked_at_once(site, 8), "answered", {"json": 200})

    return check


def _old_refused_at_once(service: str) -> Callable[[Bench], None]:
    def check(bench: Bench) -> None:
        sites, name = bench.sites, f"refused-{service}"
        sites.heal()
        emulated, _, new = _keys(sites, service)
        with sites.running(name, sites.with_secrets(name)) as site:
            assert_all([ask(site.url, "json")], "answered", {"json": 200})
            sites.store.rotate(f"{name}-{service}", new.encode())
            emulated.accepts(new)
            assert_all(_asked_at_once(site, 8), "answered", {"json": 200})
        assert sites.secrets.faults.calls[f"access/{name}-{service}"] == 2

    return check


def _no_newer_key(service: str) -> Callable[[Bench], None]:
    def check(bench: Bench) -> None:
        sites, name = bench.sites, f"revoked-{service}"
        sites.heal()
        emulated, old, new = _keys(sites, service)
        with sites.running(name, sites.with_secrets(name)) as site:
            assert_all([ask(site.url, "json")], "answered", {"json": 200})
            emulated.accepts(new)
            for _ in range(3):
                refused = {"json": 503}
                assert_all(_asked_at_once(site, 4), "assistant-unavailable", refused)
            assert sites.secrets.faults.calls[f"access/{name}-{service}"] == 2
            emulated.accepts(old)
            assert_all([ask(site.url, "json")], "answered", {"json": 200})

    return check


_BOTH = "no request fails, the new key is in use after the time to live"
_ONE_READ = "no request fails, the secret is read once more"
_LIMIT = "503 assistant-unavailable, the secret is read once more in 30 s"

ROWS = [
    *(Row("S8", f"a new {s} key, both valid", _BOTH, _both_valid(s)) for s in _SERVICES),
    *(
        Row("S8", f"a new {s} key, the old one refused at once", _ONE_READ, _old_refused_at_once(s))
        for s in _SERVICES
    ),
    *(
        Row("S8", f"the {s} key is refused, and there is no new one", _LIMIT, _no_newer_key(s))
        for s in _SERVICES
    ),
]
