import asyncio
import gc
import weakref
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr

from docchat.errors import IndexUnavailable
from docchat.rotation import ClientPerKey


class Client:
    def __init__(self, key: str) -> None:
        self.key = key
        self.closed = 0

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


class Site:
    """A key that changes, and the clients that were built."""

    def __init__(self, failures: int = 0) -> None:
        self.key = "a"
        self.failures = failures
        self.built: list[Client] = []
        self.clients = ClientPerKey(self.read, self.build)

    async def read(self) -> SecretStr:
        await asyncio.sleep(0)
        return SecretStr(self.key)

    def build(self, key: SecretStr | None) -> Client:
        if self.failures:
            self.failures -= 1
            raise IndexUnavailable("not yet")
        assert key is not None
        self.built.append(Client(key.get_secret_value()))
        return self.built[-1]

    def closed(self) -> list[int]:
        return [client.closed for client in self.built]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_at_once_get_one_client() -> None:
    site = Site()
    got = await asyncio.gather(*(site.clients.get() for _ in range(50)))
    assert [client.key for client in site.built] == ["a"]
    assert {id(client) for client in got} == {id(site.built[0])}


async def test_a_failure_is_not_remembered() -> None:
    site = Site(failures=1)
    with pytest.raises(IndexUnavailable):
        await site.clients.get()
    assert (await site.clients.get()).key == "a"


async def test_a_client_is_new_if_and_only_if_the_keys_text_has_changed() -> None:
    site = Site()
    first = await site.clients.get()
    site.key = "".join("a")
    assert await site.clients.get() is first
    site.key = "b"
    second = await site.clients.get()
    assert (second is first, second.key) == (False, "b")
    assert await site.clients.get() is second


async def test_a_replaced_client_that_nobody_uses_is_closed_at_once() -> None:
    site = Site()
    async with site.clients.lease():
        pass
    site.key = "b"
    await site.clients.get()
    await settle()
    assert site.closed() == [1, 0]


async def test_a_replaced_client_is_closed_when_its_last_user_has_gone() -> None:
    site = Site()
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        for stack in (first, second):
            await stack.enter_async_context(site.clients.lease())
        site.key = "b"
        async with site.clients.lease() as new:
            assert new.key == "b"
        await settle()
        assert site.closed() == [0, 0]
        await first.aclose()
        await settle()
        assert site.closed() == [0, 0]
    await settle()
    assert site.closed() == [1, 0]


async def test_the_current_client_stays_open_when_its_users_go() -> None:
    site = Site()
    for _ in range(3):
        async with site.clients.lease():
            pass
    await settle()
    assert site.closed() == [0]


async def test_a_user_who_is_cancelled_has_gone_as_well() -> None:
    site = Site()
    inside = asyncio.Event()

    async def use() -> None:
        async with site.clients.lease():
            inside.set()
            await asyncio.sleep(3600)

    user = asyncio.create_task(use())
    await inside.wait()
    site.key = "b"
    await site.clients.get()
    user.cancel()
    await asyncio.wait({user})
    await settle()
    assert site.closed() == [1, 0]


async def test_a_client_is_closed_once_however_often_the_key_changes() -> None:
    site = Site()
    async with site.clients.lease():
        for key in "bcd":
            site.key = key
            async with site.clients.lease():
                pass
    await settle()
    assert site.closed() == [1, 1, 1, 0]


async def test_a_client_that_could_not_be_replaced_goes_on() -> None:
    site = Site()
    old = await site.clients.get()
    site.key, site.failures = "b", 1
    with pytest.raises(IndexUnavailable):
        await site.clients.get()
    site.key = "a"
    assert await site.clients.get() is old
    assert old.closed == 0


async def test_closing_waits_for_what_is_being_closed_and_the_next_one_gets_a_new_client() -> None:
    site = Site()
    await site.clients.get()
    site.key = "b"
    await site.clients.get()
    await site.clients.aclose()
    assert site.closed() == [1, 1]
    assert (await site.clients.get()).closed == 0


async def test_a_closed_client_is_not_kept() -> None:
    site = Site()
    old = weakref.ref(await site.clients.get())
    site.key = "b"
    await site.clients.get()
    await settle()
    site.built.clear()
    gc.collect()
    assert old() is None
