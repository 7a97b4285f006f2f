"""Ways to search a collection behind one door: a question in, passages out."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from docchat.answering import CANDIDATES
from docchat.clients import QueryEmbedder
from docchat.core.conversation import previous, search_text
from docchat.core.models import Question, Retrieved
from docchat.core.ranking import arranged
from docchat.core.sparse import encode_query
from docchat.indexing import DocumentEmbedder, index
from docchat.providers.qdrant_edge import EdgeIndex
from scripts.evaluation.sets import Collection


class Embedder(QueryEmbedder, DocumentEmbedder, Protocol):
    """Turns questions and texts into vectors of one space."""


class Ranker(Protocol):
    """Finds passages for a question."""

    async def __call__(self, question: Question) -> Retrieved:
        """The best passages, and the nearest one's cosine."""
        ...


class Docchat:
    """docchat as it is: its chunks, its index and its search."""

    def __init__(self, store: EdgeIndex, embedder: QueryEmbedder) -> None:
        self.store = store
        self.embedder = embedder

    async def __call__(self, question: Question) -> Retrieved:
        """As `answering.retrieve`, without a threshold and a budget."""
        vector = await self.embedder.embed_query(search_text(question))
        terms = encode_query(question.text, earlier=previous(question))
        found = await self.store.search(vector, terms, CANDIDATES)
        return replace(found, passages=tuple(arranged(found.passages)))


async def docchat(
    collection: Collection, embedder: Embedder, *, dimension: int, folder: Path
) -> Docchat:
    """Index the collection under its name in the folder."""
    store = EdgeIndex(folder, collection.name)
    await index(
        collection.chunks(),
        store=store,
        embedder=embedder,
        embedding_model="evaluated",
        dimension=dimension,
    )
    return Docchat(store, embedder)
