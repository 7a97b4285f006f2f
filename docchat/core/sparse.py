"""Sparse vectors for keyword search: BM25 without a corpus.

The engine multiplies each term by its inverse document frequency (Qdrant's `Modifier.IDF`); the
part of BM25 that depends on the document alone is computed here. The average length is a
constant, because a mean over the corpus would change every stored vector with every page.
"""

import re
from collections import Counter
from functools import lru_cache
from hashlib import blake2b

from docchat.core.models import SparseVector

_K1 = 1.2  # how soon repetition stops counting; the usual value (Robertson & Zaragoza 2009)
_B = 0.75  # how much length counts; likewise
_AVERAGE_TERMS = 73.0  # terms of a chunk of at most 1000 characters, on five documentation sites
_EARLIER_WEIGHT = 0.5  # measured in docs/retrieval.md

SPARSE_VERSION = "1"
"""Changes with every change of the weights; an index made by another version is rebuilt."""

_WORD = re.compile(r"\w+")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about all also am an and any are as at be been but by can could did do does "
        "for from get had has have he her his how i if in into is it its just may me "
        "might more most my no not of on or our she should so some such than that the "
        "their them then there these they this those to us use was we were what when "
        "where which who why will with would you your ",
    )
)
_SHORTEST_STEMMED = 4


def encode_document(text: str) -> SparseVector:
    """Term weights of a chunk: BM25's term-frequency part."""
    terms = _terms(text)
    scale = _K1 * (1 - _B + _B * len(terms) / _AVERAGE_TERMS)
    return _vector({t: n * (_K1 + 1) / (n + scale) for t, n in Counter(terms).items()})


def encode_query(text: str, *, earlier: str = "") -> SparseVector:
    """Every term of a question, with weight 1; terms of an earlier turn alone with weight 1/2."""
    weights = dict.fromkeys(_terms(earlier), _EARLIER_WEIGHT)
    return _vector(weights | dict.fromkeys(_terms(text), 1.0))


def _vector(weights: dict[int, float]) -> SparseVector:
    ordered = sorted(weights.items())
    return SparseVector(tuple(t for t, _ in ordered), tuple(w for _, w in ordered))


def _terms(text: str) -> list[int]:
    return [_term_id(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


@lru_cache(maxsize=65536)
def _term_id(word: str) -> int:
    digest = blake2b(_stem(word).encode(errors="surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def _stem(word: str) -> str:
    """Fold plural and singular together, and nothing else."""
    if len(word) < _SHORTEST_STEMMED or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]
