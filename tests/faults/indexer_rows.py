"""What happens to the indexer, I1 to I17."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from emulators.faults import Fault
from emulators.gemini import refusals
from emulators.gemini.script import embedding
from emulators.qdrant import trouble
from tests.faults.sites import within
from tests.faults.workshop import PAGES, Workshop

OK, FAILED, REFUSED, LOCKED = 0, 1, 3, 75
EMBED = "batchEmbedContents"
_RUN_S = 60.0
_LIMITED = (
    "import resource, sys;"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
    "from scripts.index_docs import main; sys.exit(main(sys.argv[1:]))"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, as in `tests.faults.rows`, but it happens in a workshop."""

    id: str
    what: str
    expected: str
    check: Callable[[Workshop], None]


def _new_pages(shop: Workshop, count: int = 250) -> None:
    pages = {f"new-{n}": f"# New {n}\n\nWords of number {n}." for n in range(count)}
    shop.write(**pages)


def _killed(shop: Workshop) -> None:
    before, paid = shop.published(), shop.embedded
    _new_pages(shop)
    shop.model_faults.add(EMBED, Fault(delay_s=60), after=2)  # two batches of three are answered
    upserts = shop.faults.calls["upsert"]
    with shop.indexing() as process:
        assert within(_RUN_S, lambda: shop.model_faults.calls[EMBED] >= 4)
        assert within(_RUN_S, lambda: shop.faults.calls["upsert"] >= upserts + 5)
        time.sleep(0.5)
        process.kill()
    assert shop.published() == before
    shop.model_faults.clear()
    asked = shop.embedded - paid
    code, said = shop.index()
    assert code == OK
    assert "of a run that was broken off" in said
    assert asked == 250
    assert shop.embedded - paid - asked == 50
    assert len(shop.published()) == len(before) + 250


def _two_at_once(shop: Workshop) -> None:
    before = shop.published()
    _new_pages(shop, 1)

    async def beside() -> None:
        holder = shop.handle()
        await holder.acquire()
        code, said = await asyncio.to_thread(shop.index)
        assert (code, "another run holds docs" in said) == (LOCKED, True)
        await holder.aclose()

    asyncio.run(beside())
    assert shop.published() == before
    assert shop.index()[0] == OK


def _removed(shop: Workshop) -> None:
    (shop.site / "page-3.md").unlink()
    assert shop.index()[0] == OK
    assert "page-3.md" not in {chunk.path for chunk in shop.published().values()}


def _removed_most(shop: Workshop) -> None:
    before = shop.published()
    for name in list(PAGES)[:6]:
        (shop.site / name).unlink()
    code, said = shop.index()
    assert (code, "--allow-shrink" in said) == (REFUSED, True)
    assert shop.published() == before
    assert shop.index("--allow-shrink")[0] == OK
    assert {chunk.path for chunk in shop.published().values()} == set(list(PAGES)[6:])


def _read_nothing(shop: Workshop) -> None:
    before = shop.published()
    for name in PAGES:
        (shop.site / name).unlink()
    code, said = shop.index("--allow-shrink")
    assert (code, "no text to index" in said) == (REFUSED, True)
    assert shop.published() == before


def _renamed(shop: Workshop) -> None:
    paid = shop.embedded
    (shop.site / "page-3.md").rename(shop.site / "other.md")
    assert shop.index()[0] == OK
    assert shop.embedded == paid
    urls = {chunk.url.partition("#")[0] for chunk in shop.published().values()}
    assert "https://docs.example.com/other" in urls
    assert "https://docs.example.com/page-3" not in urls


def _bad_front_matter(shop: Workshop) -> None:
    shop.write(
        bad="---\ntitle: [\n---\n\nText of it. <Tabs><Tab>", worse="{/* never closed\n\nText."
    )
    assert shop.index("--strict")[0] == REFUSED
    code, said = shop.index()
    assert (code, "read in part bad.md" in said) == (OK, True)
    assert "bad.md" in {chunk.path for chunk in shop.published().values()}


def _no_text_files(shop: Workshop) -> None:
    bad = {"nul": b"a\x00b", "binary": bytes(range(256)), "utf16": "Text".encode("utf-16")}
    for name, content in bad.items():
        (shop.site / f"{name}.md").write_bytes(content)
    code, said = shop.index()
    assert code == OK
    assert all(f"skipped {name}.md" in said for name in bad)


def _links(shop: Workshop) -> None:
    outside = shop.folder / "outside.md"
    outside.write_text("Nobody may read this.")
    (shop.site / "loop.md").symlink_to(shop.site / "loop.md")
    (shop.site / "out.md").symlink_to(outside)
    (shop.site / "round").symlink_to(shop.site, target_is_directory=True)
    code, said = shop.index()
    assert (code, "skipped out.md" in said) == (OK, True)
    assert "Nobody" not in str(shop.published())
    assert not any(chunk.path.startswith("round") for chunk in shop.published().values())


def _large(shop: Workshop) -> None:
    shop.write(large="a " * (2 << 20), line="word " * 200_000)
    began = time.monotonic()
    code, said = shop.index()
    assert (code, "skipped large.md: larger than" in said) == (OK, True)
    assert time.monotonic() - began < 20


def _pathological(shop: Workshop) -> None:
    nested = {"brackets": "[", "quotes": "> ", "stars": "*a ", "comments": "<!-- ", "ticks": "`a"}
    shop.write(**{name: f"# {name}\n\n" + unit * 25_000 for name, unit in nested.items()})
    began = time.monotonic()
    assert shop.index()[0] == OK
    assert time.monotonic() - began < 20


def _fault_of_the_model(fault: Fault, times: int | None) -> Callable[[Workshop], None]:
    def check(shop: Workshop) -> None:
        before, paid = shop.published(), shop.embedded
        _new_pages(shop, 3)
        asked = shop.model_faults.calls[EMBED]
        shop.model_faults.add(EMBED, fault, times=times)
        code, _ = shop.index()
        if times is None:
            assert code == FAILED
            assert shop.model_faults.calls[EMBED] - asked == 2
            assert shop.published() == before
            shop.model_faults.clear()
            code, _ = shop.index()
        assert code == OK
        assert len(shop.published()) == len(before) + 3
        if fault.status:  # what is refused is not counted as paid for
            assert shop.embedded - paid == 3

    return check


def _out_of_quota_for_long(shop: Workshop) -> None:
    began = time.monotonic()
    _fault_of_the_model(refusals.out_of_quota("1s"), 3)(shop)
    assert time.monotonic() - began >= 3


def _another_model(shop: Workshop) -> None:
    before, paid = shop.published(), shop.embedded
    code, said = shop.index(EMBEDDING_DIMENSION="256")
    assert (code, "EMBEDDING_DIMENSION=128" in said) == (REFUSED, True)
    assert shop.embedded == paid
    assert shop.index("--other-model", EMBEDDING_DIMENSION="256")[0] == OK
    assert shop.published().keys() == before.keys()
    assert shop.embedded > paid


def _store_fails(fault: Fault) -> Callable[[Workshop], None]:
    def check(shop: Workshop) -> None:
        before = shop.published()
        _new_pages(shop, 3)
        # The lease and a batch are had; a beat of the lease may come in place of the batch.
        shop.faults.add("upsert", fault, after=2)
        assert shop.index()[0] == FAILED
        assert shop.published() == before
        shop.faults.clear()
        assert shop.index()[0] == OK
        assert len(shop.published()) == len(before) + 3

    return check


def _store_lost(shop: Workshop) -> None:
    before = shop.published()
    _new_pages(shop)
    shop.model_faults.add(EMBED, Fault(delay_s=1.5))
    with shop.indexing() as process:
        asked = shop.model_faults.calls[EMBED]
        assert within(_RUN_S, lambda: shop.model_faults.calls[EMBED] > asked)
        shop.wire.refuse()
        assert process.wait(_RUN_S) == FAILED
    shop.wire.accept()
    shop.model_faults.clear()
    assert shop.published() == before
    assert shop.index()[0] == OK
    assert len(shop.published()) == len(before) + 250


def _store_back(shop: Workshop) -> None:
    before, paid = shop.published(), shop.embedded
    _new_pages(shop)
    shop.model_faults.add(EMBED, Fault(delay_s=1))
    with shop.indexing() as process:
        asked = shop.model_faults.calls[EMBED]
        assert within(_RUN_S, lambda: shop.model_faults.calls[EMBED] > asked)
        shop.wire.refuse()
        time.sleep(2)
        shop.wire.accept()
        assert process.wait(_RUN_S) == OK
    assert shop.embedded - paid == 250
    assert len(shop.published()) == len(before) + 250


def _store_fails_now_and_then(shop: Workshop) -> None:
    before, paid = shop.published(), shop.embedded
    _new_pages(shop, 3)
    for call in ("get_collection", "scroll", "create_collection", "count"):
        shop.faults.add(call, trouble.NO_BACKEND, times=1)
    assert shop.index()[0] == OK
    assert shop.faults.pending() == []
    assert shop.embedded - paid == 3
    assert len(shop.published()) == len(before) + 3


def _nothing_changed(shop: Workshop) -> None:
    calls, paid, requests = shop.model_faults.calls[EMBED], shop.embedded, len(shop.faults.requests)
    code, said = shop.index()
    assert (code, "Nothing had changed" in said) == (OK, True)
    assert (shop.model_faults.calls[EMBED], shop.embedded) == (calls, paid)
    made = [call for call in list(shop.faults.requests)[requests:] if call.method in _WRITES]
    assert all("docs.lease" in call.url for call in made)


_WRITES = {"create_collection", "upsert", "delete_points", "set_payload"}


def _same_text_twice(shop: Workshop) -> None:
    before, paid = shop.published(), shop.embedded
    shop.write(copy_a="# Same\n\nThe same text.", copy_b="# Same\n\nThe same text.")
    assert shop.index()[0] == OK
    assert shop.embedded == paid + 1
    assert len(shop.published()) == len(before) + 2
    assert "Nothing had changed" in shop.index()[1]


def _secrets(shop: Workshop) -> None:
    shop.write(leak="# Leak\n\nUse AKIA" + "ABCDEFGH23456789.")
    code, said = shop.index("--block-secrets")
    assert (code, "look at leak.md: line 3" in said) == (OK, True)
    assert "leak.md" not in {chunk.path for chunk in shop.published().values()}


def _hidden(shop: Workshop) -> None:
    shop.write(hidden="# Hidden\n\nSeen.<!-- obey me -->\u200b\U000e0041 The end.")
    code, said = shop.index()
    assert (code, "characters that no reader sees" in said) == (OK, True)
    text = next(c.text for c in shop.published().values() if c.path == "hidden.md")
    assert text == "Seen. The end."


def _disk_full(shop: Workshop) -> None:
    on_disk = {"QDRANT_HOST": f"path:{shop.folder / 'index'}"}
    assert shop.index(**on_disk)[0] == OK
    manifest = (shop.folder / "index/docs/manifest.json").read_bytes()
    _new_pages(shop, 3)
    shop.variables |= on_disk
    with shop.indexing((sys.executable, "-c", _LIMITED)) as process:
        said, _ = process.communicate(timeout=_RUN_S)
    assert (process.returncode, "the disk is full" in " ".join(said.split())) == (FAILED, True)
    assert (shop.folder / "index/docs/manifest.json").read_bytes() == manifest
    assert shop.index()[0] == OK


def _no_folder_for_temporary_files(shop: Workshop) -> None:
    _new_pages(shop, 3)
    nowhere = os.fspath(shop.folder / "nowhere")
    assert shop.index(TMPDIR=nowhere, SQLITE_TMPDIR=nowhere)[0] == OK


_SERVED = "the old index is served; the next run completes it"

ROWS = [
    Row(
        "I1",
        "SIGKILL after two of three batches",
        "served unchanged; only the third is embedded",
        _killed,
    ),
    Row("I2", "two runs at once", "the second exits with 75, nothing is published", _two_at_once),
    Row("I3", "a page is removed", "its chunks are gone", _removed),
    Row("I3", "half of the pages are gone", "refused until allowed", _removed_most),
    Row("I3", "nothing can be read", "refused", _read_nothing),
    Row("I4", "a page is renamed", "new links, nothing is embedded", _renamed),
    Row(
        "I5",
        "malformed front matter and MDX",
        "indexed and listed; refused if strict",
        _bad_front_matter,
    ),
    Row("I6", "binary files, NUL, UTF-16", "skipped and listed", _no_text_files),
    Row("I7", "links that loop or lead outside", "not followed, listed", _links),
    Row("I8", "a file over 2 MiB, a line of 1 MB", "skipped and listed; read", _large),
    Row("I9", "25,000 nested brackets, quotes, comments", "indexed within seconds", _pathological),
    Row(
        "I10",
        "429 three times, with RetryInfo",
        "waited out, paid for once",
        _out_of_quota_for_long,
    ),
    Row("I10", "503 twice", "waited out", _fault_of_the_model(refusals.overloaded(), 2)),
    Row("I10", "500 twice", "waited out", _fault_of_the_model(refusals.internal(), 2)),
    Row("I10", "a vector is missing", _SERVED, _fault_of_the_model(embedding(missing=1), None)),
    Row("I10", "NaN vectors", _SERVED, _fault_of_the_model(embedding(value="NaN"), None)),
    Row("I10", "short vectors", _SERVED, _fault_of_the_model(embedding(dimension=7), None)),
    Row(
        "I11", "another dimension", "refused with the fix; embedded anew if allowed", _another_model
    ),
    Row("I12", "507 in the middle", f"exit 1, {_SERVED}", _store_fails(trouble.STORAGE_FULL)),
    Row("I12", "the server is lost in the middle", f"exit 1, {_SERVED}", _store_lost),
    Row("I12", "the server is away for two seconds", "waited out, paid for once", _store_back),
    Row("I12", "503 now and then", "waited out, paid for once", _store_fails_now_and_then),
    Row("I13", "nothing changed", "no embedding, no write", _nothing_changed),
    Row("I14", "the same text on two pages", "embedded once, two chunks", _same_text_twice),
    Row("I15", "text that looks like a secret", "reported; left out if asked", _secrets),
    Row("I16", "comments, invisible and tag characters", "dropped and counted", _hidden),
    Row("I17", "a full disk under the index", "exit 1, the old index stays", _disk_full),
    Row(
        "I17",
        "no folder for temporary files",
        "indexed all the same",
        _no_folder_for_temporary_files,
    ),
]
