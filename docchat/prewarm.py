"""What takes long to import is imported in the worker, from the fork on, and not before.

gunicorn imports a function's module in its master process and listens only then. What the first
answer needs is imported by a thread of the worker, while the worker starts and the first request
waits for its keys.
"""

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Prewarmed(Generic[T]):
    """Something that a thread makes in each worker, or else once somebody asks for it.

    Args:
        make: imports and builds it.
        warm: imports what its first use will need; a failure is the first use's to tell.
    """

    def __init__(self, make: Callable[[], T], warm: Callable[[T], None]) -> None:
        self._make = make
        self._warm = warm
        self._made: Future[T] = Future()
        self._begun = threading.Lock()
        os.register_at_fork(after_in_child=self._begin)

    async def get(self) -> T:
        """It, once it is made; raises what making it raises."""
        if not self._made.done():
            self._begin()
            await asyncio.shield(asyncio.wrap_future(self._made))
        return self._made.result()

    def _begin(self) -> None:
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._run, name="prewarm", daemon=True).start()

    def _run(self) -> None:
        # The collector would search through every half-imported module again and again, and
        # ever after through all that an SDK is made of: a stop of all streams for 0.1 s.
        gc.disable()
        try:
            made = self._make()
        except BaseException as exc:  # noqa: BLE001 - whoever asks for it is told
            self._made.set_exception(exc)
        else:
            self._made.set_result(made)
            self._warm(made)
        finally:
            gc.freeze()
            gc.enable()
