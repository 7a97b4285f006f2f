"""Heavy steps one at a time, so that the light ones between them do not wait long."""

import asyncio
import heapq
from itertools import count

AT_ONCE = 1
"""Heavy steps in one pass of the event loop; each takes some 3 ms. With more of them, as many get
done in a second, and everybody else waits as many times longer."""


class Turns:
    """So many heavy steps are begun in each pass of the event loop, and no more.

    To search, to read what was found, or to begin an answer takes milliseconds. When dozens of
    answers begin at once, a pass of the loop would take as many steps together, and whoever is to
    be refused, or to get the next piece of an answer, would wait for a second.
    """

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._numbers = count()

    async def take(self, *, begun: bool = False) -> None:
        """Returns when it is the caller's turn; it lasts until the caller waits for something.

        Args:
            begun: an answer that has begun comes first: better half of them soon than all late.
        """
        if self._left:
            self._count()
            return
        called = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not begun, next(self._numbers), called))
        await called

    def _count(self) -> None:
        if self._left == AT_ONCE:
            asyncio.get_running_loop().call_soon(self._next_pass)
        self._left -= 1

    def _next_pass(self) -> None:
        self._left = AT_ONCE
        while self._left and self._waiting:
            called = heapq.heappop(self._waiting)[-1]
            if not called.cancelled():
                self._count()
                called.set_result(None)
