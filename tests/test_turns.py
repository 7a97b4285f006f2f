import asyncio
from itertools import groupby

import pytest

from docchat.turns import AT_ONCE, Turns


async def test_between_heavy_steps_everybody_else_gets_on() -> None:
    turns, said = Turns(), list[str]()

    async def heavy() -> None:
        await turns.take()
        said.append("x")

    async def light() -> None:
        for _ in range(20):
            said.append(".")
            await asyncio.sleep(0)

    await asyncio.gather(*(heavy() for _ in range(5 * AT_ONCE)), light())
    runs = [len(list(run)) for letter, run in groupby(said) if letter == "x"]
    assert sum(runs) == 5 * AT_ONCE
    assert max(runs) == AT_ONCE


async def test_whoever_is_alone_does_not_wait() -> None:
    turns = Turns()
    for _ in range(AT_ONCE):
        with pytest.raises(StopIteration):
            turns.take().send(None)


async def test_what_has_begun_comes_first() -> None:
    turns, said = Turns(), list[str]()

    async def heavy(name: str, *, begun: bool) -> None:
        await turns.take(begun=begun)
        said.append(name)

    now = [heavy("now", begun=False) for _ in range(AT_ONCE)]
    new = [heavy(f"new {n}", begun=False) for n in range(2)]
    begun = [heavy(f"begun {n}", begun=True) for n in range(2)]
    await asyncio.gather(*now, *new, *begun)
    assert said[AT_ONCE:] == ["begun 0", "begun 1", "new 0", "new 1"]


@pytest.mark.parametrize("passes", range(4))
async def test_those_who_leave_hold_nobody_up(passes: int) -> None:
    turns = Turns()
    waiting = [asyncio.create_task(turns.take()) for _ in range(4 * AT_ONCE)]
    for _ in range(passes):
        await asyncio.sleep(0)
    for leaving in waiting[1::2]:
        leaving.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting[::2])
        await turns.take()
    assert all(task.done() for task in waiting)
