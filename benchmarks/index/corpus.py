"""Points to measure with: the chunks of the five public sites, as often as it takes."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from docchat.core.models import Chunk, Manifest, Point, SparseVector, Vector
from docchat.core.sparse import encode_document, encode_query
from emulators.gemini.embedding import embed
from scripts.evaluation.sets import SITES, Collection, doc_sites

DIMENSION = 768
_NOISE = 0.3  # of a copy's vector beside the original's

Asked = tuple[Vector, SparseVector]


def sites(data: Path) -> list[Collection]:
    """The five sites with their questions."""
    return doc_sites(data, list(SITES))


def points(chunks: Sequence[Chunk], count: int) -> list[Point]:
    """So many points; the second time round texts and vectors are a little different."""
    dice = np.random.default_rng(7)
    made, known = [], [unit(chunk.embedded_text) for chunk in chunks[:count]]
    for number, original in enumerate(itertools.islice(itertools.cycle(chunks), count)):
        vector, again = known[number % len(known)], number // len(chunks)
        if again:
            vector = vector + _NOISE * dice.standard_normal(DIMENSION) / DIMENSION**0.5
            vector = vector / np.linalg.norm(vector)
        chunk = _copy(original, number, again) if again else original
        sparse = encode_document(chunk.embedded_text)
        made.append(Point(chunk, vector.tolist(), sparse, key=str(number)))
    return made


def asked(collections: Sequence[Collection]) -> list[Asked]:
    """What the chat searches for, of every question."""
    texts = [query.question.text for one in collections for query in one.queries]
    return [(unit(text).tolist(), encode_query(text)) for text in texts]


def unit(text: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A text's vector, of unit length."""
    vector = np.array(embed(text, DIMENSION), dtype=np.float64)
    return np.divide(vector, np.linalg.norm(vector))


def manifest(count: int, layout: str = "") -> Manifest:
    """Of an index with so many points."""
    made = "2026-11-21T08:00:00+00:00"
    return Manifest("gemini-embedding-001", DIMENSION, "1", count, str(count), made, layout=layout)


def _copy(chunk: Chunk, number: int, again: int) -> Chunk:
    id_ = f"00000000-0000-4000-8000-{number:012x}"
    return replace(chunk, id=id_, text=f"{chunk.text}\n\nCopy {again}.")
