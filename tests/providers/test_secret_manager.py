import asyncio
import socket
import traceback
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from docchat.errors import Misconfigured, SecretUnavailable
from docchat.providers.secret_manager import SecretManager
from emulators.faults import Fault, Faults
from emulators.secret_manager import (
    CORRUPT,
    NOT_FOUND,
    PERMISSION_DENIED,
    QUOTA_EXCEEDED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    SecretStore,
    create_app,
)
from emulators.server import serve_in_thread

VALUE = "a value that nobody may see"


def named(secret: str, version: str = "latest") -> str:
    return f"projects/p/secrets/{secret}/versions/{version}"


@pytest.fixture
def app() -> Starlette:
    return create_app({"key": [VALUE.encode()]})


@pytest.fixture
def store(app: Starlette) -> SecretStore:
    found: SecretStore = app.state.store
    return found


@pytest.fixture
def faults(app: Starlette) -> Faults:
    found: Faults = app.state.faults
    return found


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    with serve_in_thread(app) as url:
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


async def test_a_version_that_cannot_be_used_is_told_in_a_word(
    store: SecretStore, url: str
) -> None:
    manager = SecretManager(url)
    store.rotate("blank", b"\n")
    store.rotate("bytes", b"\xff" + VALUE.encode())
    for name, state in (("off", "DISABLED"), ("gone", "DESTROYED")):
        store.rotate(name, VALUE.encode())
        store.disable(name, 1, state)
    assert await reason_of(manager, named("other")) == "secret-missing"
    assert await reason_of(manager, named("key", "7")) == "secret-missing"
    assert await reason_of(manager, named("blank")) == "secret-missing"
    assert await reason_of(manager, named("bytes")) == "secret-missing"
    assert await reason_of(manager, named("off")) == "secret-disabled"
    assert await reason_of(manager, named("gone")) == "secret-disabled"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (PERMISSION_DENIED, "secret-refused"),
        (UNAUTHENTICATED, "secret-refused"),
        (NOT_FOUND, "secret-missing"),
    ],
)
async def test_what_trying_again_does_not_help_is_tried_once(
    url: str, faults: Faults, fault: Fault, reason: str
) -> None:
    faults.add("*", fault)
    assert await reason_of(SecretManager(url), named("key")) == reason
    assert faults.calls == {"access/key": 1}


@pytest.mark.parametrize("fault", [UNAVAILABLE, QUOTA_EXCEEDED, CORRUPT])
async def test_what_may_pass_is_tried_again_within_the_time_out(
    url: str, faults: Faults, fault: Fault
) -> None:
    faults.add("*", fault, times=2)
    value = await SecretManager(url, waits_s=(0.01, 0.01)).access(named("key"))
    assert value.get_secret_value() == VALUE
    assert faults.calls == {"access/key": 3}


@pytest.mark.parametrize("fault", [UNAVAILABLE, QUOTA_EXCEEDED, CORRUPT])
async def test_trying_again_ends(url: str, faults: Faults, fault: Fault) -> None:
    faults.add("*", fault)
    manager = SecretManager(url, waits_s=(0.01, 0.01))
    assert await reason_of(manager, named("key")) == "secrets-unavailable"
    assert faults.calls == {"access/key": 3}


async def test_further_tries_do_not_lengthen_the_time_out(url: str, faults: Faults) -> None:
    faults.add("*", UNAVAILABLE)
    manager = SecretManager(url, timeout_s=0.5, waits_s=(0.1, 60))
    async with asyncio.timeout(4):
        assert await reason_of(manager, named("key")) == "secrets-unavailable"
    assert faults.calls == {"access/key": 2}


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
        assert await reason_of(SecretManager(url, waits_s=()), named("key")) == reason


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        manager = SecretManager(f"http://127.0.0.1:{unused.getsockname()[1]}", waits_s=())
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
