"""Heavy steps one after the other, so that the light ones between them do not wait long."""

import asyncio
import heapq
from itertools import count


class Turns:
    """At most one heavy step in a pass of the event loop.

    To build a request and to read a reply takes an SDK milliseconds. When dozens of answers begin
    at once, a pass of the loop would take as many steps together, and whoever is to be refused,
    or to get the next piece of an answer, would wait for a second.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._numbers = count()

    async def take(self, *, begun: bool = False) -> None:
        """Returns at the beginning of a turn; it lasts until the caller waits for something.

        Args:
            begun: an answer that has begun comes first: better half of them soon than all late.
        """
        if self._taken:
            await self._called(begun=begun)
        self._taken = True
        try:
            await asyncio.sleep(0)
        finally:
            self._call_next()

    async def _called(self, *, begun: bool) -> None:
        called = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not begun, next(self._numbers), called))
        try:
            await called
        except asyncio.CancelledError:
            if not called.cancelled():  # it was called in the same pass
                self._call_next()
            raise

    def _call_next(self) -> None:
        self._taken = False
        while self._waiting and not self._taken:
            called = heapq.heappop(self._waiting)[-1]
            if not called.cancelled():
                self._taken = True
                called.set_result(None)
