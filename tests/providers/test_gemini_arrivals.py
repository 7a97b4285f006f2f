import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import pytest

from docchat.providers.gemini_arrivals import arrived


class Body:
    """Parts that come at once up to each `None`, where the next ones are waited for."""

    def __init__(self, *parts: bytes | Exception | None) -> None:
        self.parts = parts
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        try:
            for part in self.parts:
                if part is None:
                    await asyncio.sleep(0.02)
                elif isinstance(part, Exception):
                    raise part
                else:
                    self.read += 1
                    yield part
        finally:
            with anyio.CancelScope(shield=True):  # as httpcore2 closes connections
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            self.closed = True


async def taken(body: Body) -> list[bytes]:
    async with aclosing(arrived(aiter(body))) as parts:
        return [part async for part in parts]


async def test_what_comes_together_is_taken_together_and_what_comes_later_later() -> None:
    assert await taken(Body(b"a", b"b", None, b"c", None, b"d", b"e")) == [b"ab", b"c", b"de"]


async def test_nothing_is_nothing() -> None:
    assert await taken(Body()) == []
    assert await taken(Body(None)) == []


async def test_a_failure_is_raised_after_what_came_before_it() -> None:
    async with aclosing(arrived(aiter(Body(b"a", b"b", OSError("broken"))))) as parts:
        assert await anext(parts) == b"ab"
        with pytest.raises(OSError, match="broken"):
            await anext(parts)


async def test_whoever_takes_slowly_is_read_for_only_so_far() -> None:
    body = Body(*[b"x" * 1024] * 1000)
    async with aclosing(arrived(aiter(body))) as parts:
        first = await anext(parts)
        for _ in range(10):
            await asyncio.sleep(0)
        assert body.read == 2 * 64
        rest = [part async for part in parts]
    assert len(first) == 64 * 1024
    assert sum(map(len, rest)) == 936 * 1024


@pytest.mark.parametrize("waiting", [b"b", b"x" * 100_000], ids=["for more", "for room"])
async def test_whoever_stops_taking_ends_the_reading(waiting: bytes) -> None:
    body = Body(b"a", None, waiting, None, b"c")
    async with aclosing(arrived(aiter(body))) as parts:
        assert await anext(parts) == b"a"
        await asyncio.sleep(0.03)
    assert body.closed
    assert body.read == 2


async def test_a_taker_who_is_cancelled_again_and_again_leaves_no_clean_up_half_done() -> None:
    body = Body(b"a", None, b"b")

    async def take() -> None:
        async with aclosing(arrived(aiter(body))) as parts:
            async for _ in parts:
                taking.cancel_scope.cancel()

    async with anyio.create_task_group() as taking:
        taking.start_soon(take)
    assert taking.cancel_scope.cancelled_caught
    assert body.closed
