import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from docchat.core.artifact import Destination, Source
from docchat.errors import (
    IndexLocked,
    IndexUnavailable,
    ServiceError,
    UpstreamBusy,
    UpstreamTimeout,
)
from docchat.providers.artifact_folder import ArtifactFolder
from docchat.providers.artifact_gs import gs_artifacts
from docchat.providers.artifact_gs_writing import GsArtifacts
from docchat.providers.artifact_https import HttpsArtifacts
from emulators import gcs
from emulators.faults import Fault
from emulators.server import serve_in_thread
from emulators.wire import WireFault, bad_wire

CONTENT = bytes(range(256)) * 40_000  # ten megabytes: more than goes up in one request
NAME = f"{hashlib.sha256(CONTENT).hexdigest()}.tar"


@pytest.fixture(scope="module")
def bucket() -> Starlette:
    return gcs.create_app()


@pytest.fixture(scope="module")
def bucket_url(bucket: Starlette) -> Iterator[str]:
    with serve_in_thread(bucket) as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    packed = tmp_path / "packed"
    packed.write_bytes(CONTENT)
    return packed


@pytest.fixture(params=["folder", "bucket"])
def destination(
    request: pytest.FixtureRequest, tmp_path: Path, bucket: Starlette, bucket_url: str
) -> Iterator[Destination]:
    bucket.state.buckets.objects.clear()
    bucket.state.faults.clear()
    folder = tmp_path / "there"
    made: Destination = ArtifactFolder(folder)
    if request.param == "bucket":
        made = GsArtifacts("gs://bucket/site/docs", bucket_url)
    yield made
    made.close()


@pytest.fixture(params=["folder", "https", "bucket"])
def source(
    request: pytest.FixtureRequest, tmp_path: Path, bucket: Starlette, bucket_url: str
) -> Iterator[tuple[Destination, Source]]:
    """A place to publish to, and the same as who only reads sees it."""
    bucket.state.buckets.objects.clear()
    bucket.state.faults.clear()
    folder = ArtifactFolder(tmp_path / "there")
    if request.param == "bucket":
        written = GsArtifacts("gs://bucket/docs", bucket_url)
        read = gs_artifacts("gs://bucket/docs", bucket_url)
        yield written, read
        written.close()
        read.close()
    elif request.param == "folder":
        yield folder, folder
    else:
        (tmp_path / "there").mkdir()
        host = Starlette(routes=[Mount("/docs", StaticFiles(directory=tmp_path / "there"))])
        with serve_in_thread(host) as url:
            web = HttpsArtifacts(f"{url}/docs")
            yield folder, web
            web.close()


Places = tuple[Destination, Source]


def content(source: Source, name: str) -> bytes:
    with source.open(name) as pieces:
        return b"".join(pieces)


def test_what_is_published_is_read_as_it_was(source: Places, file: Path) -> None:
    there, read = source
    there.put(NAME, file)
    there.replace(b'{"n": 1}', "")
    manifest = read.manifest()
    assert manifest is not None
    assert manifest.content == b'{"n": 1}'
    assert content(read, NAME) == CONTENT


def test_a_manifest_is_read_again_only_after_it_was_replaced(source: Places, file: Path) -> None:
    there, read = source
    there.put(NAME, file)
    there.replace(b"1", "")
    first = read.manifest()
    assert first is not None
    assert read.manifest(first.stamp) is None
    written = there.manifest()
    assert written is not None
    there.replace(b"22", written.stamp)
    second = read.manifest(first.stamp)
    assert second is not None
    assert second.content == b"22"


def test_what_is_not_there_is_said_so(source: Places) -> None:
    _, read = source
    with pytest.raises(IndexUnavailable) as caught:
        read.manifest()
    assert caught.value.reason == "collection-missing"
    with pytest.raises(IndexUnavailable) as caught:
        content(read, NAME)
    assert caught.value.reason == "archive-missing"


def test_a_manifest_is_replaced_only_by_who_has_seen_it(destination: Destination) -> None:
    destination.put(NAME, Path(__file__))
    destination.replace(b"1", "")
    first = destination.manifest()
    assert first is not None
    destination.replace(b"2", first.stamp)
    for stale in (first.stamp, ""):
        with pytest.raises(IndexLocked):
            destination.replace(b"3", stale)
    now = destination.manifest()
    assert now is not None
    assert now.content == b"2"


def test_an_archive_that_is_there_already_is_no_failure(
    destination: Destination, file: Path
) -> None:
    destination.put(NAME, file)
    destination.put(NAME, file)
    assert set(destination.archives()) == {NAME}
    assert content(destination, NAME) == CONTENT


def test_only_archives_are_listed_and_dropping_twice_is_no_failure(
    destination: Destination, file: Path
) -> None:
    destination.put(NAME, file)
    destination.replace(b"{}", "")
    stamp = destination.archives()[NAME]
    destination.drop(NAME, stamp)
    destination.drop(NAME, stamp)
    assert destination.archives() == {}


# --- what a server says ---------------------------------------------------------

ANSWERS: dict[str, tuple[Fault, type[ServiceError], str]] = {
    "403": (gcs.FORBIDDEN, IndexUnavailable, "unauthorized"),
    "401": (Fault(status=401), IndexUnavailable, "unauthorized"),
    "429": (Fault(status=429), UpstreamBusy, "busy"),
    "503": (gcs.UNAVAILABLE, IndexUnavailable, "failing"),
    "301": (Fault(status=301, headers={"location": "/x"}), IndexUnavailable, "refused"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_a_bucket_answers_is_told_in_our_words(
    bucket: Starlette, bucket_url: str, answer: str
) -> None:
    fault, kind, reason = ANSWERS[answer]
    bucket.state.faults.clear()
    bucket.state.faults.add("read/*", fault)
    read = gs_artifacts("gs://bucket/docs", bucket_url)
    for ask in (read.manifest, lambda: content(read, NAME)):
        with pytest.raises(kind) as caught:
            ask()
        assert caught.value.reason == reason
    read.close()


CUT: dict[str, tuple[WireFault, type[ServiceError]]] = {
    "reset": (WireFault("reset", at=5_000), IndexUnavailable),
    "closed": (WireFault("close", at=5_000), IndexUnavailable),
    "reset before a byte": (WireFault("reset"), IndexUnavailable),
}


@pytest.mark.parametrize("cut", CUT)
def test_a_line_that_is_cut_is_not_taken_for_the_end(
    bucket: Starlette, bucket_url: str, file: Path, cut: str
) -> None:
    bucket.state.buckets.objects.clear()
    bucket.state.faults.clear()
    there = GsArtifacts("gs://bucket/docs", bucket_url)
    there.put(NAME, file)
    there.close()
    fault, kind = CUT[cut]
    with bad_wire(bucket_url) as wire:
        wire.add("*", fault)
        read = gs_artifacts("gs://bucket/docs", wire.url)
        with pytest.raises(kind):
            content(read, NAME)
        read.close()


def test_a_server_that_is_down_is_unreachable(bucket_url: str) -> None:
    with bad_wire(bucket_url) as wire:
        wire.refuse()
        read = HttpsArtifacts(f"{wire.url}/docs")
        with pytest.raises(IndexUnavailable) as caught:
            read.manifest()
        assert caught.value.reason == "unreachable"
        read.close()


def test_a_manifest_without_an_end_is_not_read_to_it(bucket: Starlette, bucket_url: str) -> None:
    bucket.state.faults.clear()
    bucket.state.buckets.put("bucket", {"name": "docs/manifest.json"}, bytes(10_000_000), None)
    read = gs_artifacts("gs://bucket/docs", bucket_url)
    manifest = read.manifest()
    assert manifest is not None
    assert len(manifest.content) <= 65_536
    read.close()


def test_a_publication_whose_answer_was_lost_is_not_taken_for_anothers(
    bucket: Starlette, bucket_url: str
) -> None:
    bucket.state.buckets.objects.clear()
    bucket.state.faults.clear()
    with bad_wire(bucket_url) as wire:
        there = GsArtifacts("gs://bucket/docs", wire.url)
        wire.add("/upload/*", WireFault("reset"), times=1)
        there.replace(b'{"n": 1}', "")
        there.close()
    stored = bucket.state.buckets.get("bucket", "docs/manifest.json")
    assert stored.content == b'{"n": 1}'


def test_without_the_right_to_write_the_role_is_named(
    bucket: Starlette, bucket_url: str, file: Path
) -> None:
    bucket.state.faults.clear()
    bucket.state.faults.add("*", gcs.FORBIDDEN)
    there = GsArtifacts("gs://bucket/docs", bucket_url)
    asks: list[Callable[[], object]] = [
        there.manifest,
        there.archives,
        lambda: there.put(NAME, file),
        lambda: there.replace(b"{}", ""),
    ]
    for ask in asks:
        with pytest.raises(IndexUnavailable, match=r"storage\.objectUser") as caught:
            ask()
        assert caught.value.reason == "unauthorized"
    there.close()
    bucket.state.faults.clear()


def test_timeouts_are_told_as_such(bucket_url: str) -> None:
    with bad_wire(bucket_url) as wire:
        wire.add("*", WireFault("stall"))
        read = HttpsArtifacts(f"{wire.url}/docs", timeout_s=0.2)
        with pytest.raises(UpstreamTimeout):
            read.manifest()
        read.close()
