"""A mark in the system text that nobody else writes: where it shows up, the text has leaked."""

import hashlib

_DIGITS = 16


def canary_of(text: str) -> str:
    """The mark for a system text: the same in every process and request, and no secret."""
    return f"ref-{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


class LeakWatch:
    """Looks for the mark in what the model says, wherever the stream is cut.

    Attributes:
        leaked: the mark has shown up.
    """

    def __init__(self, canary: str) -> None:
        self.leaked = False
        self._canary = canary.lower()
        self._tail = ""

    def see(self, text: str) -> bool:
        """Whether the mark has shown up in the text so far; an empty one never does."""
        seen = self._tail + text.lower()
        self.leaked = self.leaked or bool(self._canary and self._canary in seen)
        self._tail = seen[-len(self._canary) :]
        return self.leaked
