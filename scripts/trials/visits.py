"""Emulated visitors: what they ask, when, and what they think of the answer."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.evaluation.questions import rows
from scripts.evaluation.sets import Collection

GAPS = Path(__file__).parent.parent / "questions" / "gaps.jsonl"
"""What visitors of the five sites may ask for and the docs do not have."""

_FROM = datetime(2026, 10, 19, tzinfo=UTC)
_DAYS = 28
_SATURDAY = 5
_WEEKEND = 0.35  # of a working day's visitors
_GAPS_SHARE = 0.2
_RATED = 0.12
_DISLIKED, _USUALLY_DISLIKED = 0.8, 0.1  # of the rated answers
_REASONS = ("outdated", "did not work", "too long", "")
_BEFORE = ("", "", "", "", "Hi, ", "please help: ")
_AFTER = ("", "", "", "", " thanks", "??")


@dataclass(frozen=True, slots=True)
class Visit:
    """One question.

    Attributes:
        label: what it asks for: a gap's topic, or the question as it was before it was reworded.
        planted: whether it is a gap's, and the model is to say that the docs have no answer.
        thumb: what the visitor thinks of the answer; "" is nothing.
        reason: why.
    """

    at: datetime
    question: str
    label: str
    planted: bool
    thumb: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    """The visits of a site in the order of their times, and the question with the bad answer."""

    visits: list[Visit]
    disliked: str


def play(collection: Collection, count: int, seed: int = 1) -> Play:
    """So many visits of a site.

    A fifth asks for what the docs do not have: each topic in several wordings. The others ask the
    site's own questions, and each question of another product once.
    """
    chance = random.Random(f"{collection.name} {seed}")  # noqa: S311 - the same play each time
    asked = list(_asked(collection, count, chance))
    chance.shuffle(asked)
    own = [query.question.text for query in collection.queries if query.answerable]
    disliked = chance.choice(own)
    times = sorted(_time(chance) for _ in asked)
    found = []
    for at, (text, label) in zip(times, asked, strict=True):
        thumb = _thumb(chance, _DISLIKED if label == disliked else _USUALLY_DISLIKED)
        reason = chance.choice(_REASONS) if thumb == "down" else ""
        found.append(Visit(at, _reworded(text, chance), label, text != label, thumb, reason))
    return Play(found, disliked)


def _asked(collection: Collection, count: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Each question with its label."""
    topics = [row for row in rows(GAPS) if row["site"] == collection.name]
    gaps = [(text, row["topic"]) for row in topics for text in row["questions"]]
    more = max(0, round(count * _GAPS_SHARE) - len(gaps))
    foreign = [query.question.text for query in collection.queries if not query.answerable]
    own = [query.question.text for query in collection.queries if query.answerable]
    yield from gaps
    yield from chance.choices(gaps, k=more)
    yield from ((text, text) for text in foreign)
    rest = max(0, count - len(gaps) - more - len(foreign))
    yield from ((text, text) for text in chance.choices(own, k=rest))


def _time(chance: random.Random) -> datetime:
    while True:
        at = _FROM + timedelta(days=_DAYS * chance.random())
        if at.weekday() < _SATURDAY or chance.random() < _WEEKEND:
            return at


def _thumb(chance: random.Random, disliked: float) -> str:
    if chance.random() >= _RATED:
        return ""
    return "down" if chance.random() < disliked else "up"


def _reworded(text: str, chance: random.Random) -> str:
    """As people type."""
    typed = text.lower() if chance.random() < 0.3 else text  # noqa: PLR2004 - so many do
    typed = typed.rstrip("?") if chance.random() < 0.3 else typed  # noqa: PLR2004 - likewise
    return f"{chance.choice(_BEFORE)}{typed}{chance.choice(_AFTER)}"
