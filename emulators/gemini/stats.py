"""What was asked of the emulator since it started, and which keys it takes."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stats:
    """Counts."""

    calls: Counter[str] = field(default_factory=Counter)
    texts_embedded: int = 0
    open_streams: int = 0
    max_open_streams: int = 0

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Counts as an open stream for the length of the block."""
        self.open_streams += 1
        self.max_open_streams = max(self.max_open_streams, self.open_streams)
        try:
            yield
        finally:
            self.open_streams -= 1


@dataclass
class Keys:
    """The keys that are valid; change `valid` at any time. None: every key that is not empty."""

    valid: Collection[str] | None = None

    def __contains__(self, key: object) -> bool:
        return self.valid is None or key in self.valid
