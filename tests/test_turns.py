import asyncio
import itertools

import pytest

from docchat.turns import Turns


async def test_between_two_heavy_steps_everybody_else_gets_on() -> None:
    turns, said = Turns(), list[str]()

    async def heavy(name: str) -> None:
        await turns.take()
        said.append(name)

    async def light() -> None:
        for _ in range(20):
            said.append(".")
            await asyncio.sleep(0)

    await asyncio.gather(*(heavy(name) for name in "abcde"), light())
    steps = "".join(said)
    assert [letter for letter in steps if letter != "."] == list("abcde")
    assert all("." in pair for pair in itertools.pairwise(steps))


async def test_what_has_begun_comes_first() -> None:
    turns, said = Turns(), list[str]()

    async def heavy(name: str, *, begun: bool) -> None:
        await turns.take(begun=begun)
        said.append(name)

    await asyncio.gather(
        *(heavy(f"new {n}", begun=False) for n in range(3)),
        *(heavy(f"begun {n}", begun=True) for n in range(2)),
    )
    assert said == ["new 0", "begun 0", "begun 1", "new 1", "new 2"]


@pytest.mark.parametrize("passes", range(6))
async def test_one_that_leaves_when_it_is_called_passes_the_turn_on(passes: int) -> None:
    turns = Turns()
    waiting = [asyncio.create_task(turns.take()) for _ in range(4)]
    for _ in range(passes):
        await asyncio.sleep(0)
    waiting[1].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(waiting[0], *waiting[2:])
        await turns.take()


async def test_one_that_leaves_the_queue_holds_nobody_up() -> None:
    turns = Turns()
    waiting = [asyncio.create_task(turns.take()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    async with asyncio.timeout(5):
        await waiting[2]
        await turns.take()
