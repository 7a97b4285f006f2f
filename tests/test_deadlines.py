import asyncio
import math

import pytest

from docchat.deadlines import Deadline, TimeLimits
from docchat.errors import UpstreamTimeout


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def started(clock: Clock, *, waited_s: float = 0.0, **limits: float) -> Deadline:
    return Deadline(TimeLimits(**limits), waited_s=waited_s, clock=clock)


def test_until_the_first_event_its_own_deadline_counts_and_then_the_whole_answers() -> None:
    clock = Clock()
    deadline = started(clock, answer=55, first_token=12)
    clock.now += 5
    assert deadline.left() == 7
    deadline.begin()
    assert deadline.left() == 50


def test_what_the_request_waited_before_counts_for_the_whole_alone() -> None:
    clock = Clock()
    deadline = started(clock, waited_s=9, answer=55, first_token=12)
    assert deadline.left() == 12
    deadline.begin()
    assert deadline.left() == 46


def test_the_first_event_has_no_more_time_than_the_whole_answer() -> None:
    assert started(Clock(), waited_s=50, answer=55, first_token=12).left() == 5


async def test_what_is_done_in_time_gives_its_result() -> None:
    assert await started(Clock()).wait(asyncio.sleep(0, "done"), "x", 1.0) == "done"


@pytest.mark.parametrize(("limit_s", "first_token"), [(0.02, 12.0), (math.inf, 0.02)])
async def test_what_takes_longer_is_cancelled_and_named(limit_s: float, first_token: float) -> None:
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    with pytest.raises(UpstreamTimeout, match=r"search: nothing within 0\.02 s"):
        await started(Clock(), first_token=first_token).wait(hang(), "search", limit_s)
    assert cancelled.is_set()


async def test_after_the_deadline_nothing_is_waited_for() -> None:
    clock = Clock()
    deadline = started(clock)
    clock.now += 13
    with pytest.raises(UpstreamTimeout, match="within 0 s"):
        await asyncio.wait_for(deadline.wait(asyncio.sleep(60), "x", 1.0), 1.0)


async def test_who_gives_up_is_not_told_of_a_time_out() -> None:
    waiting = asyncio.create_task(started(Clock()).wait(asyncio.sleep(60), "x", 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
