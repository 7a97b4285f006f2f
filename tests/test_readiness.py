import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from docchat.readiness import Readiness
from docchat.runtime import Runtime
from emulators.faults import Fault, Faults
from emulators.gemini import create_app
from emulators.server import serve_in_thread


@pytest.fixture
def gemini() -> Iterator[tuple[str, dict[str, int]]]:
    app = create_app(api_keys=["right"])
    with serve_in_thread(app) as url:
        yield url, app.state.stats.calls


def runtime(variables: Mapping[str, str]) -> Runtime:
    return Runtime(lambda: variables)


async def test_parts_behind_a_missing_setting_are_unknown() -> None:
    checks = await Readiness(runtime({})).check()
    assert checks == {
        "configuration": "misconfigured",
        "secrets": "ok",
        "index": "unknown",
        "gemini": "unknown",
    }


async def test_a_refused_key_is_geminis_own_failure(
    gemini: tuple[str, dict[str, int]], tmp_path: str
) -> None:
    url, _ = gemini
    variables = {
        "GEMINI_API_KEY": "wrong",
        "GEMINI_BASE_URL": url,
        "QDRANT_HOST": f"path:{tmp_path}",
    }
    process = runtime(variables)
    checks = await Readiness(process).check()
    await process.aclose()
    assert checks["gemini"] == "key-refused"
    assert checks["index"] == "collection-missing"
    assert checks["configuration"] == checks["secrets"] == "ok"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Asked:
    """A process whose Gemini can be asked, and fails or hangs when told."""

    readiness: Readiness
    clock: Clock
    faults: Faults

    @property
    def calls(self) -> int:
        return sum(self.faults.calls.values())

    async def check(self) -> str:
        return (await self.readiness.check())["gemini"]


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    app = create_app(api_keys=["right"])
    with serve_in_thread(app) as url:
        variables = {
            "GEMINI_API_KEY": "right",
            "GEMINI_BASE_URL": url,
            "QDRANT_HOST": f"path:{tmp_path}",
        }
        clock, process = Clock(), runtime(variables)
        readiness = Readiness(process, patience_s=0.1, clock=clock)
        yield Asked(readiness, clock, app.state.faults)
        await process.aclose()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for is in another thread
            await asyncio.sleep(0.01)


async def test_probes_within_seconds_ask_once(asked: Asked) -> None:
    assert set(await asyncio.gather(*(asked.check() for _ in range(20)))) == {"ok"}
    assert asked.calls == 2  # one for each model
    asked.clock.now = 9.9
    await asked.check()
    assert asked.calls == 2


async def test_the_parts_are_asked_again_in_time(asked: Asked) -> None:
    await asked.check()
    asked.faults.add("*", Fault(status=503, body={}))
    asked.clock.now = 10.0
    assert await asked.check() == "busy"


async def test_a_probe_that_would_wait_long_is_told_the_last_state(asked: Asked) -> None:
    await asked.check()
    asked.faults.add("*", Fault(status=503, body={}, delay_s=0.5))
    asked.clock.now = 10.0
    assert set(await asyncio.gather(*(asked.check() for _ in range(20)))) == {"ok"}
    await until(lambda: asked.readiness._states["gemini"] == "busy")
    assert await asked.check() == "busy"
    assert asked.calls == 4


async def test_a_state_that_is_old_is_not_told(asked: Asked) -> None:
    await asked.check()
    asked.faults.add("*", Fault(status=503, body={}, delay_s=0.5))
    asked.clock.now = 30.0
    assert await asked.check() == "busy"


async def test_a_probe_that_leaves_does_not_end_the_others_check(asked: Asked) -> None:
    asked.faults.add("*", Fault(delay_s=0.2))
    leaving, staying = (asyncio.create_task(asked.check()) for _ in range(2))
    await until(lambda: asked.calls == 2)
    leaving.cancel()
    assert await staying == "ok"
    assert asked.calls == 2
