"""What a worker imports before it is asked for."""

import asyncio
import gc
import threading
import time

import pytest

from docchat.prewarm import Prewarmed


async def test_it_is_made_once_however_many_ask() -> None:
    made: list[str] = []

    def make() -> str:
        time.sleep(0.05)
        made.append(threading.current_thread().name)
        return "service"

    prewarmed = Prewarmed(make, warm=lambda _: None)
    assert await asyncio.gather(*(prewarmed.get() for _ in range(20))) == ["service"] * 20
    assert made == ["prewarm"]


async def test_who_leaves_during_the_wait_does_not_stop_it() -> None:
    going = threading.Event()
    prewarmed = Prewarmed(lambda: going.wait(5), warm=lambda _: None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(prewarmed.get(), 0.05)
    going.set()
    assert await prewarmed.get()


async def test_nobody_waits_for_what_only_a_later_step_needs() -> None:
    warmed = threading.Event()

    def warm(_: str) -> None:
        warmed.wait(5)

    prewarmed = Prewarmed(lambda: "service", warm)
    assert await prewarmed.get() == "service"
    assert not warmed.is_set()
    warmed.set()


async def test_what_cannot_be_made_is_told_to_everybody_who_asks() -> None:
    def make() -> str:
        raise ModuleNotFoundError("no module named nonesuch")

    prewarmed = Prewarmed(make, warm=lambda _: None)
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="nonesuch"):
            await prewarmed.get()


async def test_the_collector_rests_while_it_is_made_and_leaves_it_alone_after() -> None:
    at_work: list[bool] = []
    before = gc.get_freeze_count()
    done = threading.Event()
    prewarmed = Prewarmed(lambda: at_work.append(gc.isenabled()), warm=lambda _: done.set())
    await prewarmed.get()
    assert done.wait(5)
    for thread in threading.enumerate():
        if thread.name == "prewarm":
            thread.join(5)
    assert gc.isenabled()
    assert at_work == [False]
    assert gc.get_freeze_count() > before
    gc.unfreeze()
