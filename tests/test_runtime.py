import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.datastructures import State

from docchat.core.models import Manifest, Point
from docchat.core.sparse import encode_document, encode_query
from docchat.errors import AssistantUnavailable, IndexUnavailable, KeyRefused, Misconfigured
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.runtime import Runtime
from emulators.faults import Faults
from emulators.gemini import create_app
from emulators.secret_manager import SecretStore
from emulators.secret_manager import create_app as secret_manager
from emulators.server import serve_in_thread
from tests.fakes import a_chunk

UNIT = [1.0] + [0.0] * 767


def runtime(tmp_path: Path, **variables: str) -> Runtime:
    complete = {"GEMINI_API_KEY": "k", "QDRANT_HOST": f"path:{tmp_path}"} | variables
    return Runtime(lambda: complete)


async def publish(root: Path, *, model: str) -> None:
    """One chunk, indexed with this model."""
    store = EdgeIndex(root, "docs")
    chunk = a_chunk(1)
    version = await store.begin(Manifest(model, 768, "1", 1, "f", "2026-11-21T00:00:00+00:00"))
    await store.add(version, [Point(chunk, UNIT, encode_document(chunk.embedded_text))])
    await store.publish(version)
    await store.aclose()


async def search(process: Runtime) -> int:
    found = await (await process.index()).search(UNIT, encode_query("text"), 5)
    return len(found.passages)


async def test_nothing_indexed_yet_says_to_run_the_indexer(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="run the indexer") as missing:
        await runtime(tmp_path).check_index()
    assert missing.value.reason == "collection-missing"


async def test_an_index_made_with_another_model_is_refused_with_the_fix(tmp_path: Path) -> None:
    await publish(tmp_path, model="other-model")
    process = runtime(tmp_path)
    for use in (search, Runtime.check_index):
        with pytest.raises(AssistantUnavailable, match="EMBEDDING_MODEL=other-model"):
            await use(process)


async def test_an_index_that_appears_is_used_without_a_restart(tmp_path: Path) -> None:
    process = runtime(tmp_path)
    with pytest.raises(IndexUnavailable):
        await search(process)
    await publish(tmp_path, model="gemini-embedding-001")
    assert await search(process) == 1
    await process.aclose()


async def test_a_warm_process_refuses_an_index_that_is_made_anew_with_another_model(
    tmp_path: Path,
) -> None:
    process = runtime(tmp_path)
    await publish(tmp_path, model="gemini-embedding-001")
    assert await search(process) == 1
    await publish(tmp_path, model="other-model")
    with pytest.raises(AssistantUnavailable, match="other-model"):
        await search(process)
    await process.aclose()


async def test_an_index_whose_files_are_gone_is_not_ready(tmp_path: Path) -> None:
    await publish(tmp_path, model="gemini-embedding-001")
    for version in (tmp_path / "docs").glob("2*"):
        shutil.rmtree(version)
    with pytest.raises(IndexUnavailable):
        await runtime(tmp_path).check_index()


@pytest.mark.parametrize("key", ["two words", "schlüssel", "tab\tbed"])
async def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(
    tmp_path: Path, key: str
) -> None:
    process = runtime(tmp_path, GEMINI_API_KEY=key, QDRANT_API_KEY=key)
    for use, name in ((process.gemini, "GEMINI_API_KEY"), (process.index, "QDRANT_API_KEY")):
        with pytest.raises(Misconfigured, match=name) as refused:
            await use()
        assert key not in str(refused.value)


async def test_a_browser_can_read_the_error_of_another_wrong_setting() -> None:
    variables = {"ALLOWED_ORIGINS": "https://a.example", "CHAT_MODE": "maybe"}
    assert Runtime(lambda: variables).allowed_origins == {"https://a.example"}


async def test_qdrant_host_chooses_the_store(tmp_path: Path) -> None:
    on_disk = runtime(tmp_path).open_index(None)
    remote = runtime(tmp_path, QDRANT_HOST="http://127.0.0.1:1").open_index(None)
    assert isinstance(on_disk, EdgeIndex)
    assert isinstance(remote, QdrantIndex)
    await remote.aclose()


async def test_missing_settings_are_named_when_a_client_is_needed() -> None:
    nothing: Mapping[str, str] = {}
    process = Runtime(lambda: nothing)
    with pytest.raises(Misconfigured, match="GEMINI_API_KEY"):
        await process.gemini()
    with pytest.raises(Misconfigured, match="QDRANT_HOST"):
        await process.index()


async def test_wrong_settings_are_read_again_next_time(tmp_path: Path) -> None:
    variables = {"GEMINI_API_KEY": "k", "QDRANT_HOST": "nonsense"}
    process = Runtime(lambda: variables)
    with pytest.raises(Misconfigured):
        await process.check_configuration()
    variables["QDRANT_HOST"] = f"path:{tmp_path}"
    await process.check_configuration()


# --- keys in Secret Manager ---------------------------------------------------


@dataclass
class Cloud:
    """A process whose Gemini key is a secret that can change."""

    process: Runtime
    store: SecretStore
    gemini: State
    reads: Faults

    def rotate(self, key: str) -> None:
        self.store.rotate("key", key.encode())
        self.gemini.keys.valid = {key}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    gemini, secrets = create_app({"first"}), secret_manager({"key": [b"first"]})
    with serve_in_thread(gemini) as gemini_url, serve_in_thread(secrets) as secrets_url:
        process = runtime(
            tmp_path,
            GEMINI_API_KEY="",
            GEMINI_API_KEY_SECRET="projects/p/secrets/key/versions/latest",
            GEMINI_BASE_URL=gemini_url,
            SECRET_MANAGER_BASE_URL=secrets_url,
        )
        yield Cloud(process, secrets.state.store, gemini.state, secrets.state.faults)
        await process.aclose()


async def test_health_sees_a_new_key_at_once_when_the_old_one_is_refused(cloud: Cloud) -> None:
    await cloud.process.check_gemini()
    cloud.rotate("second")
    await cloud.process.check_gemini()
    assert cloud.reads.calls == {"access/key": 2}


async def test_a_key_that_is_refused_and_not_replaced_is_said_to_be(cloud: Cloud) -> None:
    await cloud.process.check_gemini()
    cloud.gemini.keys.valid = {"other"}
    for _ in range(3):
        with pytest.raises(KeyRefused):
            await cloud.process.check_gemini()
    assert cloud.reads.calls == {"access/key": 2}


async def test_clients_are_new_if_and_only_if_a_key_has_changed(cloud: Cloud) -> None:
    async with AsyncExitStack() as leases:
        first = await cloud.process.lease(leases)
        await cloud.process.reread_keys()
        assert await cloud.process.lease(leases) == first
    await cloud.process.check_secrets()


async def test_an_answer_under_way_keeps_its_client_when_the_key_changes(cloud: Cloud) -> None:
    async with AsyncExitStack() as answer, AsyncExitStack() as next_answer:
        old, index = await cloud.process.lease(answer)
        cloud.store.rotate("key", b"second")
        cloud.gemini.keys.valid = {"first", "second"}
        await cloud.process.reread_keys()
        new, same_index = await cloud.process.lease(next_answer)
        assert (new is old, same_index is index) == (False, True)
        await old.check_models()
        await new.check_models()
    assert cloud.gemini.faults.places_of("second") == {"x-goog-api-key"}


async def test_a_new_version_that_no_header_can_carry_does_not_replace_the_key(
    cloud: Cloud,
) -> None:
    await cloud.process.check_gemini()
    cloud.store.rotate("key", b"two words")
    await cloud.process.reread_keys()
    await cloud.process.check_gemini()
