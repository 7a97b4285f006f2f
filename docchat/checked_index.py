"""A vector store that is held against the settings before it is used."""

from typing import TYPE_CHECKING

from docchat.core.models import EVERYWHERE, Scope
from docchat.core.sparse import SPARSE_VERSION
from docchat.errors import AssistantUnavailable, IndexUnavailable
from docchat.settings import Settings

if TYPE_CHECKING:
    # For the types alone: importing an SDK takes up to three quarters of a second.
    from docchat.core.models import Manifest, Retrieved, SparseVector, Vector
    from docchat.providers.qdrant_edge import EdgeIndex
    from docchat.providers.qdrant_search import QdrantSearch


class CheckedIndex:
    """A vector store whose every version is held against the settings before it is used.

    The indexer may publish an index made with another model at any time; its vectors would be
    compared with the question's and mean nothing.
    """

    def __init__(self, store: "QdrantSearch | EdgeIndex", settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._checked_version: str | None = None

    async def search(
        self, dense: "Vector", sparse: "SparseVector", limit: int, scope: Scope = EVERYWHERE
    ) -> "Retrieved":
        """As `PassageIndex.search`.

        Raises:
            IndexUnavailable: nothing is published.
            AssistantUnavailable: it was made with other settings.
        """
        found = await self._store.search(dense, sparse, limit, scope)
        if found.passages and found.index_version != self._checked_version:
            refuse_mismatch(await self._store.manifest(), self._settings)
            self._checked_version = found.index_version
        return found

    async def check(self) -> None:
        """Raises a `ServiceError` when the published index cannot be used."""
        refuse_mismatch(await self._store.manifest(), self._settings)

    async def aclose(self) -> None:
        """Let go of connections and files."""
        await self._store.aclose()


def refuse_mismatch(manifest: "Manifest | None", settings: Settings) -> None:
    """Raises a `ServiceError` when an index that was made like this does not fit the settings."""
    if manifest is None:
        raise IndexUnavailable(
            f"nothing is indexed as {settings.qdrant_collection_name}: run the indexer",
            reason="collection-missing",
        )
    made = (manifest.embedding_model, manifest.dimension)
    asked = (settings.embedding_model, settings.embedding_dimension)
    if made != asked:
        raise AssistantUnavailable(
            f"the index was made with {made[0]} in {made[1]} dimensions, the settings say"
            f" {asked[0]} in {asked[1]}: index again, or set EMBEDDING_MODEL={made[0]} and"
            f" EMBEDDING_DIMENSION={made[1]}",
            reason="made-with-another-model",
        )
    if (manifest.normalization, manifest.sparse) != ("l2", SPARSE_VERSION):
        raise AssistantUnavailable(
            "the index was made by a docchat that stores vectors differently: index again",
            reason="made-with-other-rules",
        )
