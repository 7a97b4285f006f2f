"""`GET /health` (readiness) and `GET /health/live` (liveness)."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import JSONResponse, Response

from docchat.errors import NotReady
from docchat.web import problems
from docchat.web.app import Call, Endpoint

Checks = Mapping[str, str]
"""Part → `ok`, or one word for what is wrong with it."""

OK = "ok"


def readiness(check: Callable[[], Awaitable[Checks]]) -> Endpoint:
    """200 when every part is ok; 503 that names those that are not."""

    async def ready(call: Call) -> Response:
        checks = await check()
        failing = [part for part, state in checks.items() if state != OK]
        if not failing:
            return JSONResponse({"status": OK, "checks": checks})
        error = call.fail(NotReady(f"not ready: {', '.join(failing)}"))
        return problems.response(error, call.id, {"checks": checks})

    return ready


async def live(call: Call) -> Response:
    """200 as long as the process serves requests at all; asks nothing of anything else."""
    del call
    return JSONResponse({"status": OK})
