"""Questions that the docs do not answer, grouped by what they ask for.

By the vectors of the site's embedder, or by the words: weighted by how few of the answered
questions have them, because those are the site's usual words and tell no gap from another.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from docchat.core.models import Vector
from docchat.core.sparse import encode_query
from scripts.reporting.asked import Asked
from scripts.reporting.grouping import Matrix, clusters, unit

MOST_WORDINGS = 3000
"""Of unanswered questions; grouping takes memory for the square of it, 36 MB."""

ALIKE = 0.08
"""The average likeness within a group; measured in docs/report.md."""

_ROOT = 5  # letters that forms of a word share: "configure", "configuration"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Gap:
    """What several visitors asked for and the docs did not give.

    Attributes:
        asked: the questions, in the log's order.
        wordings: their different texts, the most typical one first; empty where the log has none.
        closest: what the chat named as closest, the most frequent first: pages or ids of chunks.
    """

    asked: tuple[Asked, ...]
    wordings: tuple[str, ...]
    closest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """The groups, the largest first, and how many questions are in none.

    Attributes:
        groups: of at least as many questions as were wanted.
        alone: unanswered questions outside of them.
        left_out: unanswered questions beyond `MOST_WORDINGS` different ones.
    """

    groups: list[Gap]
    alone: int = 0
    left_out: int = 0


def gaps(
    questions: Sequence[Asked],
    *,
    page_of: Callable[[str], str],
    meanings: Mapping[str, Vector] | None = None,
    at_least: int = 2,
    alike: float = ALIKE,
) -> Gaps:
    """Group the questions of the log that were not answered.

    Args:
        questions: all of the log; the answered ones tell which words are common.
        page_of: the page of a chunk's id, or the id.
        meanings: the vectors of the questions' texts; None to go by the words.
        at_least: how many questions make a group.
        alike: how alike they must be, 0 to 1.
    """
    unanswered = [one for one in questions if one.unanswered]
    of_wording: dict[str, list[Asked]] = defaultdict(list)
    for one in unanswered:
        of_wording[_wording(one, page_of)].append(one)
    kept = sorted(of_wording, key=lambda wording: -len(of_wording[wording]))[:MOST_WORDINGS]
    rows = [of_wording[wording] for wording in kept]
    vectors = _meant(rows, meanings) if meanings else _said(rows, questions)
    likeness = vectors @ vectors.T
    groups = [
        _gap(_typical_first(found, rows, likeness), rows, page_of)
        for found in clusters(likeness, least=alike)
        if sum(len(rows[row]) for row in found) >= at_least
    ]
    groups.sort(key=lambda gap: -len(gap.asked))
    shown = sum(len(gap.asked) for gap in groups)
    left_out = len(unanswered) - sum(map(len, rows))
    return Gaps(groups, len(unanswered) - left_out - shown, left_out)


def _wording(one: Asked, page_of: Callable[[str], str]) -> str:
    """Equal for questions that differ in nothing; without a text, the closest page speaks."""
    words = " ".join(_WORD.findall(one.text.casefold()))
    return words or " ".join(map(page_of, one.cited[:1]))


def _typical_first(
    found: Sequence[int], rows: Sequence[list[Asked]], likeness: Matrix
) -> list[int]:
    """Of wordings that are about as near to all others the frequent one, then the short one."""
    near = likeness[np.ix_(found, found)].sum(axis=1)

    def rank(n: int) -> tuple[float, int, int]:
        row = rows[found[n]]
        return -round(float(near[n] / (near.max() or 1)), 1), -len(row), len(_title(row))

    return [found[n] for n in sorted(range(len(found)), key=rank)]


def _gap(found: Sequence[int], rows: Sequence[list[Asked]], page_of: Callable[[str], str]) -> Gap:
    asked = tuple(chain.from_iterable(rows[row] for row in found))
    wordings = tuple(dict.fromkeys(text for row in found if (text := _title(rows[row]))))
    named = Counter(page for one in asked for page in _pages(one, page_of))
    return Gap(asked, wordings, tuple(page for page, _ in named.most_common()))


def _title(row: Sequence[Asked]) -> str:
    """The shortest of the texts that differ in no word."""
    return min((one.text for one in row), key=len)


def _pages(one: Asked, page_of: Callable[[str], str]) -> list[str]:
    return list(dict.fromkeys(map(page_of, one.cited)))


def _meant(rows: Sequence[list[Asked]], meanings: Mapping[str, Vector]) -> Matrix:
    """Vectors around the middle of all questions: what they have in common tells nothing.

    It also makes the cosines of different models comparable.
    """
    middle = np.mean(np.array(list(meanings.values()), np.float32), axis=0)
    found = [np.array(meanings.get(row[0].text, middle), np.float32) - middle for row in rows]
    return unit(np.array(found, np.float32).reshape(len(rows), -1))


def _said(rows: Sequence[list[Asked]], questions: Sequence[Asked]) -> Matrix:
    """Words, weighted by how few of the answered questions have them."""
    answered = {one.text for one in questions if not one.unanswered}
    having = Counter(chain.from_iterable(map(_terms, answered)))
    terms = [_terms(row[0].text) for row in rows]
    column = {term: n for n, term in enumerate(dict.fromkeys(chain.from_iterable(terms)))}
    found = np.zeros((len(rows), len(column)), np.float32)
    for row, those in zip(found, terms, strict=True):
        for term in those:
            rarity = np.log((len(answered) + 1) / (having[term] + 0.5))
            row[column[term]] = max(rarity, 0.0)
    return unit(found)


def _terms(text: str) -> set[int]:
    """Of the words, and of their beginnings in place of a stem."""
    roots = " ".join(word[:_ROOT] for word in _WORD.findall(text))
    return {*encode_query(text).indices, *encode_query(roots).indices}
