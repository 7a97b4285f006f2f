import asyncio
import logging
import socket
import traceback
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from docchat.errors import Misconfigured, SecretUnavailable
from docchat.providers.secret_manager import CachedSecret, SecretManager
from emulators.secret_manager import SecretStore, create_app
from emulators.server import serve_in_thread

VALUE = "a value that nobody may see"


def named(secret: str, version: str = "latest") -> str:
    return f"projects/p/secrets/{secret}/versions/{version}"


@pytest.fixture
def store() -> SecretStore:
    return SecretStore({"key": [VALUE.encode()]})


@pytest.fixture
def url(store: SecretStore) -> Iterator[str]:
    with serve_in_thread(create_app(store)) as url:
        yield url


async def test_the_latest_version_is_read(store: SecretStore, url: str) -> None:
    manager = SecretManager(url)
    assert (await manager.access(named("key"))).get_secret_value() == VALUE
    store.rotate("key", b"the next value")
    assert (await manager.access(named("key"))).get_secret_value() == "the next value"
    assert (await manager.access(named("key", "1"))).get_secret_value() == VALUE


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (b"value\n", "value"),
        (b"value\r\n", "value"),
        (b"value\n\n", "value\n"),
        (b" value ", " value "),
        ("schlüssel".encode(), "schlüssel"),
    ],
)
async def test_one_newline_at_the_end_does_not_count(
    store: SecretStore, url: str, stored: bytes, read: str
) -> None:
    store.rotate("key", stored)
    assert (await SecretManager(url).access(named("key"))).get_secret_value() == read


async def reason_of(manager: SecretManager, name: str) -> str:
    with pytest.raises(SecretUnavailable) as caught:
        await manager.access(name)
    assert name in str(caught.value)
    assert VALUE not in "".join(traceback.format_exception(caught.value))
    assert caught.value.retry_after == 5
    return caught.value.reason


async def test_what_is_wrong_is_told_in_a_word(store: SecretStore, url: str) -> None:
    manager = SecretManager(url)
    store.rotate("blank", b"\n")
    store.rotate("bytes", b"\xff" + VALUE.encode())
    store.rotate("off", VALUE.encode())
    store.disable("off", 1)
    assert await reason_of(manager, named("other")) == "secret-missing"
    assert await reason_of(manager, named("key", "7")) == "secret-missing"
    assert await reason_of(manager, named("blank")) == "secret-missing"
    assert await reason_of(manager, named("bytes")) == "secret-missing"
    assert await reason_of(manager, named("off")) == "secret-disabled"
    store.denied.add("key")
    assert await reason_of(manager, named("key")) == "secret-refused"


async def test_a_value_with_a_wrong_checksum_is_not_used(store: SecretStore, url: str) -> None:
    store.corrupt.add("key")
    assert await reason_of(SecretManager(url), named("key")) == "secrets-unavailable"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"{}", "secret-refused"),
        (429, b"{}", "secrets-unavailable"),
        (500, b"<html>", "secrets-unavailable"),
        (503, b"{}", "secrets-unavailable"),
        (200, b"<html>a value that nobody may see", "secrets-unavailable"),
        (200, b'{"payload": {"data": "a value that nobody may see"}}', "secrets-unavailable"),
        (200, b'{"payload": {"data": "dmFsdWU="}}', "secrets-unavailable"),
        (200, b"{}", "secret-missing"),
    ],
)
async def test_replies_that_are_no_value(status: int, body: bytes, reason: str) -> None:
    app = Starlette(routes=[Route("/{_:path}", lambda _: Response(body, status))])
    with serve_in_thread(app) as url:
        assert await reason_of(SecretManager(url), named("key")) == reason


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        manager = SecretManager(f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert await reason_of(manager, named("key")) == "secrets-unavailable"


async def test_a_server_that_never_answers_costs_the_time_out_and_no_more() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        manager = SecretManager(url, timeout_s=0.3)
        async with asyncio.timeout(4):  # the client left to itself goes on for 53 s
            assert await reason_of(manager, named("key")) == "secrets-unavailable"


@pytest.mark.parametrize("url", ["http://example.com", "https://127.0.0.1:1", "127.0.0.1:1"])
def test_an_emulator_is_only_asked_on_this_machine(url: str) -> None:
    with pytest.raises(Misconfigured):
        SecretManager(url)


async def test_many_reads_at_once_build_one_client(url: str) -> None:
    manager = SecretManager(url)
    values = await asyncio.gather(*(manager.access(named("key")) for _ in range(20)))
    assert {value.get_secret_value() for value in values} == {VALUE}


class Reader:
    """A secret that can be changed and can fail."""

    def __init__(self) -> None:
        self.value = "first"
        self.failing = False
        self.reads = 0

    async def __call__(self) -> SecretStr:
        self.reads += 1
        await asyncio.sleep(0.01)
        if self.failing:
            raise SecretUnavailable("projects/p/secrets/key: gone", reason="secrets-unavailable")
        return SecretStr(self.value)


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cached(reader: Reader, clock: Clock) -> CachedSecret:
    return CachedSecret(reader, ttl_s=300, clock=clock)


async def test_nothing_is_read_before_it_is_needed(reader: Reader, cached: CachedSecret) -> None:
    await asyncio.sleep(0)
    assert reader.reads == 0


async def test_all_who_ask_at_once_share_one_read(reader: Reader, cached: CachedSecret) -> None:
    values = await asyncio.gather(*(cached.get() for _ in range(100)))
    assert {value.get_secret_value() for value in values} == {"first"}
    assert reader.reads == 1


async def test_all_who_ask_at_once_share_one_failure(reader: Reader, cached: CachedSecret) -> None:
    reader.failing = True
    results = await asyncio.gather(*(cached.get() for _ in range(100)), return_exceptions=True)
    assert {type(result) for result in results} == {SecretUnavailable}
    assert reader.reads == 1


async def test_a_first_read_that_failed_is_tried_again(
    reader: Reader, cached: CachedSecret
) -> None:
    reader.failing = True
    with pytest.raises(SecretUnavailable):
        await cached.get()
    reader.failing = False
    assert (await cached.get()).get_secret_value() == "first"


async def test_a_value_is_kept_for_its_time_and_then_read_again(
    reader: Reader, cached: CachedSecret, clock: Clock
) -> None:
    await cached.get()
    reader.value = "second"
    clock.now += 299
    assert (await cached.get()).get_secret_value() == "first"
    clock.now += 1
    assert (await cached.get()).get_secret_value() == "second"
    assert reader.reads == 2


async def test_the_last_good_value_stays_while_reading_fails(
    reader: Reader, cached: CachedSecret, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await cached.get()
    reader.failing = True
    clock.now += 300
    with caplog.at_level(logging.WARNING, logger="docchat.secrets"):
        assert (await cached.get()).get_secret_value() == "first"
        assert (await cached.get()).get_secret_value() == "first"
    assert reader.reads == 2
    assert len(caplog.messages) == 1
    assert "projects/p/secrets/key" in caplog.text


async def test_one_who_leaves_does_not_end_the_read_of_others(
    reader: Reader, cached: CachedSecret
) -> None:
    leaving = asyncio.create_task(cached.get())
    staying = asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).get_secret_value() == "first"
    assert reader.reads == 1


async def test_a_failure_that_nobody_waits_for_is_quiet(
    reader: Reader, cached: CachedSecret, caplog: pytest.LogCaptureFixture
) -> None:
    reader.failing = True
    leaving = asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0.05)
    assert caplog.messages == []


async def test_a_value_is_never_printed(cached: CachedSecret) -> None:
    value = await cached.get()
    assert "first" not in f"{value!r} {value} {cached!r} {vars(cached)}"
