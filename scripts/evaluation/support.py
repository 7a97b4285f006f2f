"""How much of an answer's words its sources have: a cheap sign of what was made up."""

import re
from collections.abc import Mapping

_MARKER = re.compile(r"\[(\d+)\]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"\w{4,}")  # shorter ones are in every text
_FEWEST = 3


def support(text: str, cited: Mapping[int, str]) -> float | None:
    """The mean share of each sentence's words that the passages it cites have.

    A sentence without a citation is held against all of them. None when no sentence has three
    words of four letters or more, or nothing is cited.

    Args:
        text: an answer with its `[n]`.
        cited: the passages' texts by their numbers.
    """
    if not cited:
        return None
    words = {number: _words(passage) for number, passage in cited.items()}
    every = frozenset[str]().union(*words.values())
    shares = []
    for sentence in _SENTENCE.split(text):
        said = _words(_MARKER.sub(" ", sentence))
        if len(said) >= _FEWEST:
            named = [words[int(n)] for n in _MARKER.findall(sentence) if int(n) in words]
            known = frozenset[str]().union(*named) if named else every
            shares.append(len(said & known) / len(said))
    return sum(shares) / len(shares) if shares else None


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
