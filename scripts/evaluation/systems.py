"""The named ways to search that an evaluation compares."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.retrieval.cuts import Cut
from docchat.core.chunking import chunk
from docchat.core.conversation import previous, search_text
from docchat.core.models import Chunk, Passage, Question, SparseVector
from docchat.core.ranking import by_page, spread
from docchat.core.sparse import encode_document, encode_query
from docchat.core.splitting import split
from docchat.errors import Misconfigured
from scripts.evaluation.designs import Design, Piece
from scripts.evaluation.sets import Collection

DOCCHAT = "docchat"
"""The product itself, not a design in memory."""

_SMALL = 500  # characters
_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def quick_starts() -> dict[str, Design]:
    """LangChain's and LlamaIndex's, by name.

    Raises:
        Misconfigured: they are not installed.
    """
    try:
        from benchmarks.retrieval.quick_starts import QUICK_STARTS  # noqa: PLC0415 - optional
    except ImportError as exc:
        raise Misconfigured("the quick-starts are not installed: `make evaluate` does it") from exc
    return {name: _quick_start(cut) for name, cut in QUICK_STARTS.items()}


def _quick_start(cut: Cut) -> Design:
    return Design(pieces=_cut_by(cut), words=False, text=_last_turn, arrange=_as_found)


def _cut_by(cut: Cut) -> Callable[[Collection], list[Piece]]:
    def pieces(collection: Collection) -> list[Piece]:
        return [
            Piece(Chunk("", path, path, "", (), piece.text), piece.embedded)
            for path, text in collection.files.items()
            for piece in cut(path if collection.named else "", text)
        ]

    return pieces


def _last_turn(question: Question) -> str:
    return question.text


def _last_turn_terms(question: Question) -> SparseVector:
    return encode_query(question.text)


def _both_turns_terms(question: Question) -> SparseVector:
    return encode_query(search_text(question))


def _every_turn(question: Question) -> str:
    return "\n".join([*(turn.text for turn in question.history), question.text])


def _every_turn_terms(question: Question) -> SparseVector:
    return encode_query(_every_turn(question))


def _as_found(passages: Sequence[Passage]) -> Sequence[Passage]:
    return passages


def _of_size(max_chars: int) -> Callable[[Collection], list[Piece]]:
    def pieces(collection: Collection) -> list[Piece]:
        return [
            Piece(one, one.embedded_text)
            for page in collection.pages
            for one in chunk(page, max_chars=max_chars)
        ]

    return pieces


def _without_breadcrumb(collection: Collection) -> list[Piece]:
    return [Piece(one, one.text) for one in collection.chunks()]


def _with_neighbours(collection: Collection) -> list[Piece]:
    """The model gets the chunk before and the chunk after as well."""
    found = []
    for page in collection.pages:
        chunks = chunk(page)
        for number, one in enumerate(chunks):
            around = chunks[max(0, number - 1) : number + 2]
            text = "\n\n".join(near.text for near in around)
            found.append(Piece(replace(one, text=text), one.embedded_text))
    return found


def _small_to_big(collection: Collection) -> list[Piece]:
    """Halves of a chunk are searched, and the model gets the chunk."""
    return [
        Piece(one, f"{one.breadcrumb}\n\n{part}")
        for one in collection.chunks()
        for part in split(one.text, _SMALL)
    ]


def _with_parts(text: str) -> str:
    """Each identifier once more, in its parts: `createStore create Store`."""
    return _WORD.sub(lambda word: " ".join(dict.fromkeys([word[0], *_PART.findall(word[0])])), text)


def _terms_with_parts(question: Question) -> SparseVector:
    return encode_query(_with_parts(question.text), earlier=_with_parts(previous(question)))


TRIED: dict[str, Design] = {
    "in memory": Design(),
    "vectors alone": Design(words=False),
    "keywords alone": Design(meaning=False),
    "in the order found": Design(arrange=_as_found),
    "no page share": Design(arrange=spread),
    "no limit a page": Design(arrange=by_page),
    "fusion with k = 5": Design(k=5),
    "fusion with k = 60": Design(k=60),
    "identifier parts": Design(
        document=lambda text: encode_document(_with_parts(text)),
        query=_terms_with_parts,
    ),
    "last turn": Design(text=_last_turn, query=_last_turn_terms),
    "both turns in full": Design(query=_both_turns_terms),
    "every turn": Design(text=_every_turn, query=_every_turn_terms),
    "with neighbours": Design(pieces=_with_neighbours),
    "no breadcrumb": Design(pieces=_without_breadcrumb),
    "500 characters": Design(pieces=_of_size(500)),
    "1500 characters": Design(pieces=_of_size(1500)),
    "small to big": Design(pieces=_small_to_big),
}
"""docchat with one thing changed, by name; the first is docchat with nothing changed."""
