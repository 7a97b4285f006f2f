import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from docchat.core.models import Manifest
from docchat.errors import IndexUnavailable, Misconfigured
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.runtime import ClientPerKey, Runtime


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

    async def build(self, key: SecretStr | None) -> str:
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


async def test_a_waiter_builds_when_the_first_one_gives_up() -> None:
    keys, builds = Keys("a"), Builds()
    client = ClientPerKey(keys.read, builds.build)
    first = asyncio.create_task(client.get())
    second = asyncio.create_task(client.get())
    await asyncio.sleep(0.005)
    first.cancel()
    assert await second == "client for a"


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


async def publish(store: EdgeIndex, *, model: str, dimension: int) -> None:
    version = await store.begin(
        Manifest(model, dimension, "1", 0, "f", "2026-11-21T00:00:00+00:00")
    )
    await store.publish(version)
    await store.aclose()


async def test_nothing_indexed_yet_says_to_run_the_indexer(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="run the indexer") as missing:
        await runtime(tmp_path).index()
    assert missing.value.reason == "collection-missing"


async def test_an_index_made_with_another_model_is_refused_with_the_fix(tmp_path: Path) -> None:
    await publish(EdgeIndex(tmp_path, "docs"), model="other-model", dimension=768)
    with pytest.raises(IndexUnavailable, match="EMBEDDING_MODEL=other-model"):
        await runtime(tmp_path).index()


async def test_an_index_that_appears_is_used_without_a_restart(tmp_path: Path) -> None:
    process = runtime(tmp_path)
    with pytest.raises(IndexUnavailable):
        await process.index()
    await publish(EdgeIndex(tmp_path, "docs"), model="gemini-embedding-001", dimension=768)
    assert isinstance(await process.index(), EdgeIndex)
    await process.aclose()


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
