"""Other ways to cut and to search, held in memory: the quick-starts, and what docchat tried."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docchat.answering import CANDIDATES
from docchat.core.conversation import previous, search_text
from docchat.core.models import Chunk, Passage, Question, Retrieved, SparseVector, Vector
from docchat.core.ranking import arranged
from docchat.core.sparse import encode_document, encode_query
from docchat.indexing import EMBED_BATCH
from scripts.evaluation.rankers import Embedder, Ranker
from scripts.evaluation.sets import Collection

Scores = NDArray[np.float64]

_RRF_K = 2  # Qdrant's default


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, and the text of it that is searched."""

    chunk: Chunk
    text: str


def docchat_pieces(collection: Collection) -> list[Piece]:
    """What docchat's index holds."""
    return [Piece(chunk, chunk.embedded_text) for chunk in collection.chunks()]


@dataclass(frozen=True, slots=True)
class Design:
    """One way to search.

    Attributes:
        pieces: how the collection is cut.
        meaning: whether vectors are searched.
        words: whether terms are searched.
        document: the terms of a text.
        query: the terms of a question.
        text: what of a question is embedded.
        k: the constant of the fusion.
        arrange: puts what was found in another order.
    """

    pieces: Callable[[Collection], list[Piece]] = docchat_pieces
    meaning: bool = True
    words: bool = True
    document: Callable[[str], SparseVector] = encode_document
    query: Callable[[Question], SparseVector] = lambda question: encode_query(
        question.text, earlier=previous(question)
    )
    text: Callable[[Question], str] = search_text
    k: int = _RRF_K
    arrange: Callable[[Sequence[Passage]], Sequence[Passage]] = arranged

    async def build(self, collection: Collection, embedder: Embedder) -> Ranker:
        """Prepare the collection."""
        pieces = self.pieces(collection)
        chunks = [piece.chunk for piece in pieces]
        vectors = np.asarray(await _embedded([p.text for p in pieces], embedder), np.float32)
        terms = Terms([self.document(piece.text) for piece in pieces]) if self.words else None

        async def rank(question: Question) -> Retrieved:
            cosines = vectors @ np.asarray(
                await embedder.embed_query(self.text(question)), np.float32
            )
            lists = [_best(cosines)] if self.meaning else []
            if terms is not None:
                by_terms = terms.scores(self.query(question))
                lists.append([n for n in _best(by_terms) if by_terms[n] > 0])
            found = [Passage(chunks[n], score) for n, score in _fused(lists, self.k)]
            return Retrieved(tuple(self.arrange(found[:CANDIDATES])), float(cosines.max()))

        return rank


class Terms:
    """Keyword search as Qdrant does it: term weights times `Modifier.IDF`."""

    def __init__(self, documents: Sequence[SparseVector]) -> None:
        found: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for number, document in enumerate(documents):
            for term, weight in zip(document.indices, document.values, strict=True):
                found[term].append((number, weight))
        self._documents = len(documents)
        self._found = dict(found)

    def scores(self, query: SparseVector) -> Scores:
        """One score a document."""
        scores = np.zeros(self._documents)
        for term, weight in zip(query.indices, query.values, strict=True):
            postings = self._found.get(term, [])
            rarity = math.log((self._documents - len(postings) + 0.5) / (len(postings) + 0.5) + 1)
            for number, value in postings:
                scores[number] += weight * value * rarity
        return scores


def _fused(lists: Sequence[Sequence[int]], k: int) -> list[tuple[int, float]]:
    """Reciprocal rank fusion, as Qdrant computes it: the first place counts 1 / k."""
    scores: dict[int, float] = defaultdict(float)
    for ranked in lists:
        for rank, number in enumerate(ranked):
            scores[number] += 1 / (k + rank)
    return sorted(scores.items(), key=lambda found: found[1], reverse=True)


def _best(scores: NDArray[np.floating]) -> list[int]:
    best: list[int] = np.argsort(-scores, kind="stable")[:CANDIDATES].tolist()
    return best


async def _embedded(texts: Sequence[str], embedder: Embedder) -> list[Vector]:
    starts = range(0, len(texts), EMBED_BATCH)
    batches = [await embedder.embed_documents(texts[s : s + EMBED_BATCH]) for s in starts]
    return [vector for batch in batches for vector in batch]
