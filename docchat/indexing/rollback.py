"""Going back to the version that was published before."""

from docchat.core.models import Manifest
from docchat.core.sparse import SPARSE_VERSION
from docchat.errors import IndexRefused
from docchat.indexing.clients import IndexStore


async def roll_back(store: IndexStore, *, embedding_model: str, dimension: int) -> Manifest:
    """Publish the version before; returns how it was made.

    Raises:
        IndexRefused: there is none, or a chat with these settings could not use it.
        IndexLocked: another run is writing this index.
    """

    def check(made: Manifest) -> None:
        if (made.embedding_model, made.dimension) != (embedding_model, dimension):
            raise IndexRefused(
                f"the version before was made with {made.embedding_model} in {made.dimension}"
                f" dimensions, the settings say {embedding_model} in {dimension}: set"
                f" EMBEDDING_MODEL={made.embedding_model} and EMBEDDING_DIMENSION={made.dimension},"
                " here and for the chat, and roll back again"
            )
        if (made.normalization, made.sparse) != ("l2", SPARSE_VERSION):
            raise IndexRefused(
                "the version before was made by a docchat that stores vectors differently:"
                " index again instead"
            )

    return await store.roll_back(check)
