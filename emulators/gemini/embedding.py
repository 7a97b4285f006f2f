"""Embeddings without a model: hashed words and their n-grams, so that like texts lie close.

Each word is a handful of signed, hashed coordinates (feature hashing, Weinberger et al. 2009),
each of its character n-grams one more, so that forms and compounds of a word are near it.
"""

import functools
import hashlib
import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

FULL_DIMENSION = 3072
CHARS_PER_TOKEN = 4
MAX_TOKENS = 2048

_WORD = re.compile(r"\w+")
_PART_OF_IDENTIFIER = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_IDENTIFIER = re.compile(r"[a-z][A-Z]|_|\d")
_INSTRUCTION = re.compile(r"\A(?:task: [\w ]+ \| query: |title: [^|\n]* \| text: )")

_POSITIONS = 4  # coordinates a word is spread over, so that one collision does not drown it
_GRAM_SIZES = (3, 4, 5)
_GRAM_WEIGHT = 1.0  # of all n-grams of a word together, beside the word itself
_LONGEST = 12  # letters after which a longer word is no rarer
_IDENTIFIER_BONUS = 1.3
_STOP_WEIGHT = 0.05
_STOP_WORDS = frozenset(
    _WORD.findall("""
    a about above after again all also am an and any are as at be because been before being
    below between both but by can could did do doe does doing don down during each few for from
    further get had has have having he her here hers him his how i if in into is it its just
    like make many me mean more most much my need no nor not now of off on once one only or other
    our out over own same she should so some such t than that the their them then there these
    they thing this those through to too under until up us use used using very via want was way
    we were what when where which while who whom why will with would you your
    """)
)

Features = tuple[NDArray[np.int64], NDArray[np.float64]]


def embed(text: str, dimension: int) -> list[float]:
    """A vector that is the same on every machine.

    As the API's, it has unit length in the full 3072 dimensions only, and a text's tokens after
    the 2048th do not count.
    """
    text = _INSTRUCTION.sub("", text[: MAX_TOKENS * CHARS_PER_TOKEN])
    counts = Counter(words(text) or [text])
    features = [_features(word, dimension) for word in counts]
    damped = np.repeat(np.sqrt(list(counts.values())), [len(f[0]) for f in features])
    values = np.concatenate([f[1] for f in features]) * damped
    vector = np.bincount(np.concatenate([f[0] for f in features]), values, dimension)
    length = np.sqrt(dimension / FULL_DIMENSION)
    unit: list[float] = (vector * (length / np.linalg.norm(vector))).round(7).tolist()
    return unit


def words(text: str) -> list[str]:
    """The text's words; an identifier such as `useStore` also gives its parts."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found.append(word)
        parts = _PART_OF_IDENTIFIER.findall(word)
        if len(parts) > 1:
            found.extend(parts)
    return found


@functools.lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Lower case, without the s of a plural."""
    word = word.lower()
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004 - "ties" is not from "ty"
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):  # noqa: PLR2004 - nor is "its" from "it"
        return word[:-1]
    return word


@functools.lru_cache(maxsize=100_000)
def weight(word: str) -> float:
    """How much a word says: nearly nothing for a stop word, more for a long word or identifier.

    Length stands in for rarity: a model of one text at a time knows no frequencies.
    """
    if word.lower() in _STOP_WORDS or stem(word) in _STOP_WORDS:
        return _STOP_WEIGHT
    bonus = _IDENTIFIER_BONUS if _IDENTIFIER.search(word) else 1.0
    return max(1, min(len(word), _LONGEST)) * bonus


@functools.lru_cache(maxsize=100_000)
def _features(word: str, dimension: int) -> Features:
    base = stem(word)
    hashes = list(_hash(f"word {base}")[:_POSITIONS])
    shares = [1 / _POSITIONS**0.5] * _POSITIONS
    if weight(word) > _STOP_WEIGHT:
        framed = f"^{base}$"
        grams = [framed[i : i + n] for n in _GRAM_SIZES for i in range(len(framed) - n + 1)]
        hashes += [_hash(f"gram {gram}")[0] for gram in grams]
        shares += [_GRAM_WEIGHT / len(grams) ** 0.5 for _ in grams]
    places = np.array([(h >> 1) % dimension for h in hashes], dtype=np.int64)
    signs = np.array([1.0 if h & 1 else -1.0 for h in hashes])
    return places, signs * np.array(shares) * weight(word)


@functools.lru_cache(maxsize=100_000)
def _hash(text: str) -> list[int]:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4 * _POSITIONS).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, len(digest), 4)]
