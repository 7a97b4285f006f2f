import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from docchat.core.models import Event, Finish, Outcome, TextDelta, Usage
from docchat.errors import Overloaded
from docchat.limits import RateLimiter, StreamSlots
from docchat.web.app import Call, Routes
from docchat.web.door import Door, guarded, guarded_answer, keyed

Serve = Callable[[Routes], AbstractContextManager[httpx.Client]]


async def hello(_: Call) -> Response:
    return JSONResponse({"ok": True})


class Owner:
    def __init__(self, *, burst: int, entry: int = 1) -> None:
        self.door = Door(RateLimiter(1, burst), StreamSlots(1), entry)


def test_over_the_rate_is_a_429_that_says_when_to_come_back(serve: Serve) -> None:
    with serve({"/x": {"POST": guarded(hello, Owner(burst=2))}}) as client:
        codes = [client.post("/x").status_code for _ in range(3)]
        refused = client.post("/x", headers={"Origin": "https://docs.example.com"})
    assert codes == [200, 200, 429]
    assert refused.json()["type"] == "urn:docchat:problem:rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["access-control-allow-origin"] == "https://docs.example.com"


def test_a_made_up_address_gets_no_new_bucket(serve: Serve) -> None:
    with serve({"/x": {"POST": guarded(hello, Owner(burst=1))}}) as client:
        first = client.post("/x", headers={"X-Forwarded-For": "6.6.6.6, 1.2.3.4"})
        second = client.post("/x", headers={"X-Forwarded-For": "7.7.7.7, 1.2.3.4"})
        other = client.post("/x", headers={"X-Forwarded-For": "6.6.6.6, 1.2.3.5"})
    assert [first.status_code, second.status_code, other.status_code] == [200, 429, 200]


def test_when_all_slots_are_taken_a_question_is_refused_unread_and_does_not_count(
    serve: Serve,
) -> None:
    owner = Owner(burst=1)
    with serve({"/x": {"POST": guarded_answer(hello, owner)}}) as client:
        with owner.door.slots.slot():
            refused = client.post("/x", content=b"not JSON")
        accepted = client.post("/x")
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:docchat:problem:overloaded"
    assert refused.headers["retry-after"] == "1"
    assert accepted.status_code == 200


async def one_answer() -> AsyncGenerator[Event]:
    yield TextDelta("x")
    yield Finish(Outcome.ANSWERED, Usage())


async def test_one_answer_more_than_the_slots_is_refused_and_a_freed_slot_is_used_again() -> None:
    door = Owner(burst=1).door
    held = door.hold(one_answer())
    await anext(held)
    with pytest.raises(Overloaded):
        await anext(door.hold(one_answer()))
    await held.aclose()
    assert [event async for event in door.hold(one_answer())][-1] == Finish(
        Outcome.ANSWERED, Usage()
    )
    assert door.slots.open == 0


@pytest.mark.parametrize(
    ("given", "status"),
    [("Bearer right", 200), ("Bearer wrong", 401), ("right", 401), ("", 401), ("Bearer é", 401)],
)
def test_only_the_key_opens_a_keyed_route(serve: Serve, given: str, status: int) -> None:
    async def key() -> SecretStr | None:
        await asyncio.sleep(0)
        return SecretStr("right")

    with serve({"/x": {"GET": keyed(hello, key)}}) as client:
        response = client.get("/x", headers={b"Authorization": given.encode()})
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["type"] == "urn:docchat:problem:unauthorized"


def test_without_a_key_in_the_settings_the_route_does_not_exist(serve: Serve) -> None:
    async def no_key() -> SecretStr | None:
        return None

    with serve({"/x": {"GET": keyed(hello, no_key)}}) as client:
        assert client.get("/x", headers={"Authorization": "Bearer None"}).status_code == 404
