from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from docchat.web.app import Routes
from docchat.web.health import live, readiness

Serve = Callable[[Routes], AbstractContextManager[httpx.Client]]


async def all_ok() -> dict[str, str]:
    return {"configuration": "ok", "index": "ok"}


async def index_down() -> dict[str, str]:
    return {"configuration": "ok", "index": "unreachable"}


async def never() -> dict[str, str]:
    raise AssertionError("liveness asks nothing")


@pytest.fixture
def routes() -> Routes:
    return {
        "/good": {"GET": readiness(all_ok), "HEAD": readiness(all_ok)},
        "/bad": {"GET": readiness(index_down)},
        "/live": {"GET": live},
    }


def test_all_parts_ok_is_200(serve: Serve, routes: Routes) -> None:
    with serve(routes) as client:
        response = client.get("/good")
        assert response.status_code == 200
        assert response.json()["checks"] == {"configuration": "ok", "index": "ok"}
        head = client.head("/good")
        assert (head.status_code, head.content) == (200, b"")


def test_a_failing_part_is_named_in_a_503_problem(serve: Serve, routes: Routes) -> None:
    with serve(routes) as client:
        response = client.get("/bad")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == "urn:docchat:problem:not-ready"
    assert body["checks"] == {"configuration": "ok", "index": "unreachable"}


def test_liveness_answers_without_asking_anything(serve: Serve, routes: Routes) -> None:
    with serve(routes) as client:
        assert client.get("/live").json() == {"status": "ok"}
