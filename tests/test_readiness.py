import asyncio
from collections.abc import Iterator, Mapping

import pytest

from docchat.readiness import Readiness
from docchat.runtime import Runtime
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


async def test_probes_within_seconds_ask_once(
    gemini: tuple[str, dict[str, int]], tmp_path: str
) -> None:
    url, calls = gemini
    variables = {
        "GEMINI_API_KEY": "right",
        "GEMINI_BASE_URL": url,
        "QDRANT_HOST": f"path:{tmp_path}",
    }
    clock, process = Clock(), runtime(variables)
    readiness = Readiness(process, cache_s=10, clock=clock)
    await asyncio.gather(*(readiness.check() for _ in range(20)))
    asked = sum(calls.values())
    assert asked == 2  # one for each model
    clock.now = 9.9
    await readiness.check()
    assert sum(calls.values()) == asked
    clock.now = 10.0
    await readiness.check()
    assert sum(calls.values()) == 2 * asked
    await process.aclose()
