"""Answers without a model: the passages' own statements that fit the question best, cited."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from docchat.core.prompt import NOT_IN_DOCS
from emulators.gemini.embedding import CHARS_PER_TOKEN, stem, weight, words
from emulators.gemini.passages import Passage, Statement, read_prompt, statements

NOT_A_MODEL = "This is an emulator of Gemini, not a model: it only answers from a docchat prompt."

_RELEVANT = 0.5
"""Share of a question's weight that one passage has to cover for the docs to answer it.

Of 83 questions about five documentation sites it answers 80; of 83 about another site's product
it refuses 59.
"""
_NEARLY_AS_GOOD = 0.6
_MOST_STATEMENTS = 4
_BREADCRUMB_SHARE = 0.5
_FEWEST_WORDS = 5
_ROOT = 6
_SAME = 0.7
_DANGLING = re.compile(
    r"(however|but|and|so|also|this|that|these|those|it|they|instead)\b", re.IGNORECASE
)
_WORDS_A_PIECE = 3


def answer(prompt: str) -> str:
    """Markdown with a `[n]` after every statement; `NOT_IN_DOCS` when nothing fits."""
    read = read_prompt(prompt)
    if read is None:
        return NOT_A_MODEL
    question, passages = read
    chosen = _choose(question, passages)
    return _composed(chosen) if chosen else NOT_IN_DOCS


def generate(prompt: str, max_tokens: int | None = None) -> tuple[list[str], str]:
    """The answer in pieces of a few words, as a model streams it, and the finish reason."""
    text = answer(prompt)
    found = re.findall(r"\s*\S+", text[: max_tokens * CHARS_PER_TOKEN] if max_tokens else text)
    starts = range(0, len(found), _WORDS_A_PIECE)
    cut = max_tokens is not None and count_tokens(text) > max_tokens
    pieces = ["".join(found[i : i + _WORDS_A_PIECE]) for i in starts]
    return pieces, "MAX_TOKENS" if cut else "STOP"


def count_tokens(text: str) -> int:
    """About four characters a token."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def _choose(question: str, passages: Sequence[Passage]) -> list[Statement]:
    """The statements to say, the best one first."""
    vocabularies = [_roots(f"{p.breadcrumb} {p.body}") for p in passages]
    asked = {_root(word): weight(word) for word in words(question)}
    if max(_covered(asked, v) for v in vocabularies) < _RELEVANT * sum(asked.values()):
        return []
    having = Counter(root for v in vocabularies for root in v)
    rarity = {root: math.log(1 + len(passages) / (0.5 + having[root])) for root in asked}
    telling = {root: w * rarity[root] for root, w in asked.items()}
    return _best([(_fit(telling, p, s), s) for p in passages for s in statements(p)])


def _fit(asked: dict[str, float], passage: Passage, statement: Statement) -> float:
    own = _roots(f"{statement.text} {statement.block}")
    covered = _covered(asked, own)
    nearby = _covered(asked, _roots(passage.breadcrumb) - own)
    return (covered + _BREADCRUMB_SHARE * nearby) * _readability(statement) if covered else 0.0


def _covered(asked: dict[str, float], roots: set[str]) -> float:
    return sum(weight for root, weight in asked.items() if root in roots)


def _roots(text: str) -> set[str]:
    return {_root(word) for word in words(text)}


def _root(word: str) -> str:
    """Words that share six letters are taken for forms of one word."""
    return stem(word)[:_ROOT]


def _readability(statement: Statement) -> float:
    """Less for what does not stand well alone: fragments, and what refers to the line before."""
    useless = len(words(statement.text)) < _FEWEST_WORDS or statement.text.endswith("?")
    dangling = _DANGLING.match(statement.text) is not None
    far_down = 1 - 0.02 * (statement.n - 1)
    return (0.4 if useless else 1.0) * (0.7 if dangling else 1.0) * max(far_down, 0.5)


def _best(scored: list[tuple[float, Statement]]) -> list[Statement]:
    scored = sorted(scored, key=lambda pair: (-pair[0], pair[1].n, pair[1].position))
    floor = scored[0][0] * _NEARLY_AS_GOOD if scored else 0.0
    chosen: list[Statement] = []
    for score, statement in scored:
        if len(chosen) == _MOST_STATEMENTS or score < floor or score <= 0:
            break
        if not any(_alike(statement, other) for other in chosen):
            chosen.append(statement)
    return chosen


def _alike(one: Statement, other: Statement) -> bool:
    a, b = _roots(one.text), _roots(other.text)
    return len(a & b) >= _SAME * min(len(a), len(b))


def _composed(chosen: Sequence[Statement]) -> str:
    """A paragraph or list for each passage, in the order in which the passages came up."""
    order = {n: i for i, n in reversed(list(enumerate(s.n for s in chosen)))}
    rest = sorted(chosen[1:], key=lambda s: (order[s.n], s.item, s.position))
    text, before = "", None
    for statement in (chosen[0], *rest):
        text += _separator(before, statement) + _said(statement)
        before = statement
    return text


def _separator(before: Statement | None, statement: Statement) -> str:
    if before is None:
        return ""
    if statement.item and before.item:
        return "\n"
    flowing = before.n == statement.n and not (statement.item or before.item or before.block)
    return " " if flowing else "\n\n"


def _said(statement: Statement) -> str:
    block = f"\n\n{statement.block}" if statement.block else ""
    return f"{'- ' if statement.item else ''}{statement.text} [{statement.n}]{block}"
