"""Faults of a Qdrant server that are more than one reply: Q7 to Q9, Q12 to Q15."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from pydantic import SecretStr

from docchat.core.models import Manifest
from docchat.providers.qdrant import QdrantIndex
from emulators.faults import Fault
from emulators.qdrant import trouble
from tests.faults.bench import Bench
from tests.faults.gemini_table import GENERATE, assert_all
from tests.faults.protocols import PROTOCOLS, Reply, ask, ask_all
from tests.faults.rows import Row
from tests.faults.sites import SITE_URL, Site, Sites, within
from tests.faults.store_rows import SEARCH, ready
from tests.servers import ROOT, clean_environment

_OTHER_DIMENSION = {"EMBEDDING_DIMENSION": "256"}
_INDEXER_S = 30.0


def _checks(sites: Sites, name: str, changes: dict[str, str]) -> dict[str, str]:
    """What the health function says with these settings."""
    with sites.running(name, changes, target="health") as site:
        response = httpx.get(f"{site.url}/health", timeout=20)
        found: dict[str, str] = response.json()["checks"]
    assert response.status_code == 503
    return found


def _made_with_another_model(bench: Bench) -> None:
    ready(bench.sites)
    with bench.sites.running("other-dimension", _OTHER_DIMENSION) as site:
        replies = ask_all(site.url)
    assert_all(replies, "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
    checks = _checks(bench.sites, "other-dimension-health", _OTHER_DIMENSION)
    assert checks["index"] == "made-with-another-model"


async def _publish_nothing(sites: Sites, name: str) -> None:
    store = QdrantIndex(sites.qdrant.url, SecretStr(sites.qdrant_key), name)
    made = "2026-11-21T08:00:00+00:00"
    manifest = Manifest("gemini-embedding-001", 768, "1", 0, "f", made)
    await store.publish(await store.begin(manifest))
    await store.aclose()


def _empty(bench: Bench) -> None:
    ready(bench.sites)
    asyncio.run(_publish_nothing(bench.sites, "nothing"))
    with bench.sites.running("nothing", {"QDRANT_COLLECTION_NAME": "nothing"}) as site:
        _finds_nothing(bench.sites, site)


def _finds_nothing(sites: Sites, site: Site) -> None:
    said = sites.gemini.faults.calls[GENERATE]
    assert_all(ask_all(site.url), "not_found", dict.fromkeys(PROTOCOLS, 200))
    assert sites.gemini.faults.calls[GENERATE] == said


_BAD_PAYLOADS: tuple[object, ...] = (None, {}, {"text": 5}, {"title": None, "heading_path": "x"})


def _some_bad(bench: Bench) -> None:
    site = ready(bench.sites)
    bench.sites.qdrant.faults.add(SEARCH, trouble.bad_points(*_BAD_PAYLOADS, spare=2))
    assert_all(ask_all(site.url), "answered", dict.fromkeys(PROTOCOLS, 200))
    assert re.search(r'"WARNING", "message": "left out \d+ points of docs', site.logged())


def _all_bad(bench: Bench) -> None:
    site = ready(bench.sites)
    bench.sites.qdrant.faults.add(SEARCH, trouble.bad_points(*_BAD_PAYLOADS))
    _finds_nothing(bench.sites, site)
    assert re.search(r'"ERROR", "message": "left out \d+ points of docs', site.logged())


@contextmanager
def _indexing(sites: Sites, text: str) -> Iterator[subprocess.Popen[bytes]]:
    """The indexer as a process, over pages of which one has a new text."""
    with TemporaryDirectory() as folder:
        docs = shutil.copytree(ROOT / "tests/site", Path(folder) / "docs")
        (docs / "new.md").write_text(f"# New\n\n{text}\n")
        command = [sys.executable, "-m", "scripts.index_docs", "--docs", str(docs)]
        process = subprocess.Popen(
            [*command, "--site-url", SITE_URL],
            env=clean_environment({**sites.environment, "PYTHONPATH": str(ROOT)}),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(_INDEXER_S)


def _versions(site: Site) -> set[str]:
    """The versions of the index that answers have come from."""
    lines = (json.loads(line) for line in site.logged().splitlines() if line.startswith("{"))
    return {line["index_version"] for line in lines if line.get("index_version")}


def _asked(site: Site) -> Reply:
    reply = ask(site.url, "json")
    assert_all([reply], "answered", {"json": 200})
    return reply


def _writer_dies(bench: Bench) -> None:
    site, faults = ready(bench.sites), bench.sites.qdrant.faults
    before, upserts = _asked(site).text, faults.calls["upsert"]
    faults.add("count", Fault(delay_s=60))  # all points are written, and nothing is published
    with _indexing(bench.sites, "A writer died while it wrote this.") as process:
        counts = faults.calls["count"]
        assert within(_INDEXER_S, lambda: faults.calls["count"] > counts)
        assert faults.calls["upsert"] > upserts
        process.kill()
    assert _asked(site).text == before
    assert len(_versions(site)) == 1


def _storage_full(bench: Bench) -> None:
    site, faults = ready(bench.sites), bench.sites.qdrant.faults
    before = _asked(site).text
    faults.add("upsert", trouble.STORAGE_FULL)
    with _indexing(bench.sites, "There is no room for this.") as process:
        assert process.wait(_INDEXER_S) == 1
    assert _asked(site).text == before
    assert len(_versions(site)) == 1


def _key_in_clear_text(bench: Bench) -> None:
    plain = {"QDRANT_HOST": "http://qdrant.example:6333"}
    with bench.sites.running("plain-http", plain) as site:
        replies = ask_all(site.url)
        assert "QDRANT_HOST must be" in site.logged()
    # Which settings are wrong is not the visitor's business; which pages may ask is known.
    assert_all(replies, "assistant-unavailable", dict.fromkeys(PROTOCOLS, 503))
    checks = _checks(bench.sites, "plain-http-health", plain)
    assert checks["configuration"] == "misconfigured"


def _no_call_at_start(bench: Bench) -> None:
    ready(bench.sites)
    qdrant = bench.sites.qdrant
    before, versions = qdrant.wire.connections, qdrant.faults.calls["version"]
    with bench.sites.running("just-started") as site:
        assert httpx.post(f"{site.url}/chat", json={"query": "hello"}).status_code == 200
        assert qdrant.wire.connections == before
        _asked(site)
    assert qdrant.wire.connections == before + 2  # the search, and how its version was made
    assert qdrant.faults.calls["version"] == versions
    assert qdrant.faults.places_of(bench.sites.qdrant_key) == {"api-key"}


ROWS = [
    Row(
        "Q7",
        "an index of another model",
        "503 assistant-unavailable, health says so",
        _made_with_another_model,
    ),
    Row("Q8", "an empty collection", "200 not_found, the model is not asked", _empty),
    Row(
        "Q9",
        "some points have bad payloads",
        "answered from the others, counted in the log",
        _some_bad,
    ),
    Row("Q9", "all points have bad payloads", "200 not_found, an error in the log", _all_bad),
    Row(
        "Q12",
        "the indexer dies while it writes",
        "the same answers from the same version",
        _writer_dies,
    ),
    Row(
        "Q13",
        "507 while the indexer writes",
        "it exits with 1, the same version is served",
        _storage_full,
    ),
    Row(
        "Q14",
        "a key over plain http",
        "503 assistant-unavailable, health says so",
        _key_in_clear_text,
    ),
    Row(
        "Q15", "a process starts", "no call to Qdrant before the first question", _no_call_at_start
    ),
]
