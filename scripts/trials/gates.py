"""Doors that upstream calls go through, one of which can be shut at a call's number."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from emulators.wire import Wire, WireFault
from scripts.trials.runs import Run

_EXECUTED_S = 0.05
_SHUT_S = 10.0


class Gates:
    """Counts the calls to all services, and stops one of them.

    Attributes:
        calls: so far, since they were opened.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._stop_at: int | None = None
        self._executed = False
        self._counting = threading.Lock()
        self._struck = threading.Event()
        self._opened = threading.Event()

    def stop_at(self, number: int, *, executed: bool) -> None:
        """Stop the call of this number, before the server gets it or before its answer."""
        self._opened.clear()
        self._struck.clear()
        self._executed = executed
        self._stop_at = number

    def open(self) -> None:
        """Let everything through, and count anew."""
        self._stop_at = None
        self._opened.set()
        self.calls = 0

    def wait(self, run: Run) -> None:
        """Return when the call has been stopped, or the run is over."""
        while not run.ended and not self._struck.wait(0.01):
            pass
        if self._executed:
            run.wait(_EXECUTED_S)

    def passing(self) -> WireFault | None:
        """What becomes of the next call."""
        with self._counting:
            self.calls += 1
            struck = self.calls == self._stop_at
        if not struck:
            return None
        self._struck.set()
        if self._executed:
            return WireFault("stall")
        self._opened.wait(_SHUT_S)
        raise ConnectionError  # its caller is dead


class _Gate(Wire):
    def __init__(self, target_url: str, gates: Gates) -> None:
        super().__init__(target_url)
        self._gates = gates

    def take(self, name: str) -> WireFault | None:
        """As the gates say."""
        return self._gates.passing() if not name.startswith("/_emulator") else None


@contextmanager
def gated(gates: Gates, *urls: str) -> Iterator[list[str]]:
    """The addresses of these services behind gates."""
    with ExitStack() as stack:
        doors = [_Gate(url, gates) for url in urls]
        for door in doors:
            door.start()
            stack.callback(door.stop)
        yield [door.url for door in doors]
