import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from docchat.core.models import Manifest, Point
from docchat.core.sparse import encode_document, encode_query
from docchat.errors import IndexUnavailable, Misconfigured
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.runtime import ClientPerKey, Runtime
from tests.fakes import a_chunk

UNIT = [1.0] + [0.0] * 767


class Keys:
    def __init__(self, *keys: str) -> None:
        self.keys = [SecretStr(key) for key in keys]

    async def read(self) -> SecretStr:
        await asyncio.sleep(0)
        return self.keys[0]


class Builds:
    def __init__(self, failures: int = 0) -> None:
        self.built: list[str] = []
        self.failures = failures
        self.started = 0

    async def build(self, key: SecretStr | None) -> str:
        self.started += 1
        await asyncio.sleep(0.01)
        if self.failures:
            self.failures -= 1
            raise IndexUnavailable("not yet")
        assert key is not None
        self.built.append(key.get_secret_value())
        return f"client for {key.get_secret_value()}"


async def test_many_at_once_get_one_client() -> None:
    keys, builds = Keys("a"), Builds()
    client = ClientPerKey(keys.read, builds.build)
    got = await asyncio.gather(*(client.get() for _ in range(50)))
    assert set(got) == {"client for a"}
    assert builds.built == ["a"]


async def test_a_failure_is_not_remembered() -> None:
    keys, builds = Keys("a"), Builds(failures=1)
    client = ClientPerKey(keys.read, builds.build)
    with pytest.raises(IndexUnavailable):
        await client.get()
    assert await client.get() == "client for a"


async def test_a_failure_reaches_all_who_waited() -> None:
    keys, builds = Keys("a"), Builds(failures=1)
    client = ClientPerKey(keys.read, builds.build)
    got = await asyncio.gather(*(client.get() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(result, IndexUnavailable) for result in got)
    assert builds.failures == 0
    assert builds.built == []


async def test_who_gives_up_waiting_does_not_take_the_client_from_the_others() -> None:
    keys, builds = Keys("a"), Builds()
    client = ClientPerKey(keys.read, builds.build)
    first = asyncio.create_task(client.get())
    second = asyncio.create_task(client.get())
    while not builds.started:  # noqa: ASYNC110 - the build itself says so
        await asyncio.sleep(0)
    first.cancel()
    assert await second == "client for a"
    assert builds.built == ["a"]


async def test_a_changed_key_gets_a_new_client() -> None:
    keys, builds = Keys("a", "b"), Builds()
    client = ClientPerKey(keys.read, builds.build)
    assert await client.get() == "client for a"
    keys.keys.pop(0)
    assert await client.get() == "client for b"
    assert await client.get() == "client for b"
    assert builds.built == ["a", "b"]


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
        with pytest.raises(IndexUnavailable, match="EMBEDDING_MODEL=other-model"):
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
    with pytest.raises(IndexUnavailable, match="other-model"):
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
