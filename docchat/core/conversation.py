"""What a conversation contributes to a search and to a prompt."""

from collections.abc import Sequence

from docchat.core.citations import without_citations
from docchat.core.models import Question, Role, Turn


def previous(question: Question) -> str:
    """What the visitor asked before; empty for a first question."""
    return next((turn.text for turn in reversed(question.history) if turn.role is Role.USER), "")


def search_text(question: Question) -> str:
    """The text to search with: this turn, then the visitor's previous one.

    Measured in docs/retrieval.md: a model call's work without the call.
    """
    return "\n".join(filter(None, (question.text, previous(question))))


def recent(history: Sequence[Turn], *, max_chars: int) -> tuple[Turn, ...]:
    """The latest turns that fit in `max_chars` together, oldest first, beginning with a user's.

    An answer takes half of the room at most, so that the question before it has some, too.

    A model's API expects the first turn to be the user's. Earlier answers go without their
    citations: those numbers meant passages of another request.
    """
    kept: list[Turn] = []
    room = max_chars
    for said in reversed(history):
        turn = said if said.role is Role.USER else _answer(said, most=max_chars // 2)
        room -= len(turn.text)
        if room < 0:
            break
        kept.append(turn)
    while kept and kept[-1].role is not Role.USER:
        kept.pop()
    return tuple(reversed(kept))


def _answer(said: Turn, *, most: int) -> Turn:
    return Turn(said.role, without_citations(said.text)[:most])
