"""Which of the retrieved passages the model gets to see."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from docchat.core.models import Passage

# Measured in docs/retrieval.md.
_PAGE_SHARE = 0.2
_MOST_A_PAGE = 3


def arranged(passages: Sequence[Passage]) -> list[Passage]:
    """The passages that one search found, in the order in which they are worth reading."""
    return spread(by_page(passages))


def by_page(passages: Sequence[Passage]) -> list[Passage]:
    """Each passage counts for itself and a little for its page.

    A page of which much was found is more likely the one that answers.
    """
    pages: dict[str, float] = defaultdict(float)
    for passage in passages:
        pages[passage.chunk.path] += passage.score

    def score(passage: Passage) -> float:
        return passage.score + _PAGE_SHARE * pages[passage.chunk.path]

    return sorted(passages, key=score, reverse=True)


def spread(passages: Sequence[Passage]) -> list[Passage]:
    """No page fills the context: its fourth passage comes after the third of every other page."""
    first: list[Passage] = []
    rest: list[Passage] = []
    taken: Counter[str] = Counter()
    for passage in passages:
        taken[passage.chunk.path] += 1
        (first if taken[passage.chunk.path] <= _MOST_A_PAGE else rest).append(passage)
    return first + rest


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
