"""Who may come in: a rate for each client, a number of open answers, a key where one is needed."""

import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr
from starlette.responses import Response

from docchat.core.models import Event
from docchat.errors import NotFound, Unauthorized
from docchat.limits import RateLimiter, StreamSlots, client_address
from docchat.web.app import Call, Endpoint

ReadKey = Callable[[], Awaitable[SecretStr | None]]


@dataclass(frozen=True, slots=True)
class Door:
    """The limits at the entrance.

    Attributes:
        rate: requests per client.
        slots: answers open at once in this instance.
        forwarded_for_entry: which entry of X-Forwarded-For, from the right, names the client.
    """

    rate: RateLimiter
    slots: StreamSlots
    forwarded_for_entry: int

    def admit_question(self, call: Call) -> None:
        """As `admit`, for what would open an answer.

        Raises:
            Overloaded: the instance has no slot left; it does not count as asking.
            RateLimited: this client asks too often.
        """
        self.slots.refuse_when_full()
        self.admit(call)

    def admit(self, call: Call) -> None:
        """Raises `RateLimited` when this client asks too often."""
        request = call.request
        forwarded = ", ".join(request.headers.getlist("x-forwarded-for")) or None
        peer = request.client.host if request.client else ""
        self.rate.check(client_address(forwarded, peer, entry=self.forwarded_for_entry))

    async def hold(self, events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
        """The events, holding a slot until the last one; raises `Overloaded` when there is none."""
        with self.slots.slot():
            async with aclosing(events):
                async for event in events:
                    yield event


class HasDoor(Protocol):
    """Something with a door; it is made with the settings, on the first request."""

    @property
    def door(self) -> Door:
        """The limits at the entrance."""
        ...


def guarded(endpoint: Endpoint, owner: HasDoor) -> Endpoint:
    """The endpoint behind the rate limit."""

    async def rate_limited(call: Call) -> Response:
        owner.door.admit(call)
        return await endpoint(call)

    return rate_limited


def guarded_answer(endpoint: Endpoint, owner: HasDoor) -> Endpoint:
    """The endpoint behind the rate limit and the slots, before a byte of the body is read."""

    async def limited(call: Call) -> Response:
        owner.door.admit_question(call)
        return await endpoint(call)

    return limited


def keyed(endpoint: Endpoint, read_key: ReadKey) -> Endpoint:
    """The endpoint for callers with the key; without a key in the settings it does not exist."""

    async def authorized(call: Call) -> Response:
        key = await read_key()
        if key is None:
            raise NotFound("API_KEY_SECRET is not set: the route is off")
        given = call.request.headers.get("authorization", "")
        wanted = f"Bearer {key.get_secret_value()}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Unauthorized("the key is missing or wrong")
        return await endpoint(call)

    return authorized
