"""Answers that are open at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from docchat.errors import Overloaded


class StreamSlots:
    """How many answers may be open; the next is turned away at once instead of queueing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0

    @property
    def open(self) -> int:
        """Answers that are open now."""
        return self._open

    def refuse_when_full(self) -> None:
        """Raises `Overloaded` when no place is free: asked before any work is done."""
        if self._open >= self._limit:
            raise Overloaded(f"all {self._limit} places for open answers are taken")

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Holds one place from entering to leaving, however it is left.

        Raises:
            Overloaded: on entering, when no place is free.
        """
        self.refuse_when_full()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
