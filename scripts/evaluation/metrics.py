"""How good a ranking is, and how sure that is.

The measures are the usual ones (Manning, Raghavan and Schütze, Introduction to Information
Retrieval, chapter 8), over pages: a page stands where its best chunk stands.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_RESAMPLES = 10_000
_SEED = 20261121
_RUN = 8
_LINK_TARGET = re.compile(r"\]\([^)]*\)")


class Estimate(NamedTuple):
    """A mean and its 95 % bootstrap interval; `n` questions."""

    mean: float
    low: float
    high: float
    n: int


def ranking_scores(ranked: Sequence[str], relevant: frozenset[str]) -> dict[str, float]:
    """hit@k, recall@k, MRR@10 and nDCG@10 of one question.

    Args:
        ranked: distinct pages, best first.
        relevant: at least one page.
    """
    gains = [page in relevant for page in ranked[:10]]
    first = next((rank for rank, gain in enumerate(gains, start=1) if gain), math.inf)
    ideal = _dcg([True] * min(10, len(relevant)))
    return {
        "hit@1": float(first <= 1),
        "hit@5": float(first <= 5),  # noqa: PLR2004 - the k of hit@5
        "hit@10": float(first <= 10),  # noqa: PLR2004 - the k of hit@10
        "recall@5": sum(gains[:5]) / len(relevant),
        "MRR@10": 1 / first,
        "nDCG@10": _dcg(gains) / ideal,
    }


def _dcg(gains: Iterable[bool]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def holds(passage: str, section: str) -> bool:
    """Whether the passage is of the section: half of the one, or of the other, is in both.

    Counted in runs of eight words, which two texts do not share by accident.
    """
    words, wanted = _words(passage), _words(section)
    run = min(_RUN, len(words), len(wanted))
    ours, theirs = _runs(words, run), _runs(wanted, run)
    return bool(run) and 2 * len(ours & theirs) >= min(len(ours), len(theirs))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", _LINK_TARGET.sub("]", text.lower()))


def _runs(words: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of at least one value, with its interval."""
    array = np.asarray(values, dtype=np.float64)
    low, high = np.percentile(_resampled_means(array), (2.5, 97.5))
    return Estimate(float(array.mean()), float(low), float(high), len(array))


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """How much better we are, question by question: the paired bootstrap."""
    return estimate([a - b for a, b in zip(ours, theirs, strict=True)])


def _resampled_means(values: Values) -> Values:
    rng = np.random.default_rng(_SEED)
    picked = rng.integers(0, len(values), size=(_RESAMPLES, len(values)))
    means: Values = values[picked].mean(axis=1)
    return means


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """How likely a positive has a greater value than a negative one; .5 is chance."""
    above = np.asarray(positive)[:, None] - np.asarray(negative)[None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def threshold(positive: Sequence[float], *, lost: float) -> float:
    """The greatest value under which at most the share `lost` of the positives lies."""
    ordered = sorted(positive)
    return ordered[math.floor(lost * len(ordered))]
