"""Which of the retrieved passages the model gets to see."""

from collections.abc import Iterable

from docchat.core.models import Passage


def within_budget(passages: Iterable[Passage], *, max_chars: int) -> tuple[Passage, ...]:
    """The best passages whose texts together have at most `max_chars`, without repeats.

    The first passage is always kept. A passage that does not fit is skipped, not cut: half a
    code block misleads.
    """
    kept: list[Passage] = []
    seen: set[str] = set()
    room = max_chars
    for passage in passages:
        text = passage.chunk.text
        if text in seen or (kept and len(text) > room):
            continue
        seen.add(text)
        kept.append(passage)
        room -= len(text)
    return tuple(kept)
