"""A chat that searches its Qdrant server through qdrant-client, as most chats do."""

from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient
from qdrant_client.models import QueryRequest

from docchat.checked_index import CheckedIndex
from docchat.core.models import EVERYWHERE, Retrieved, Scope, SparseVector, Vector
from docchat.core.payload import read, retrieved
from docchat.providers.qdrant_search import QdrantSearch, searches
from docchat.runtime import Runtime
from docchat.service import ChatService


class _Search(QdrantSearch):
    """Asks for the same, with the client's own call."""

    def __init__(self, url: str, collection: str) -> None:
        super().__init__(url, None, collection)
        self._client = AsyncQdrantClient(url=url, check_compatibility=False)
        self._collection = collection

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`."""
        asked = [QueryRequest.model_validate(one) for one in searches(dense, sparse, limit, scope)]
        hybrid, nearest = await self._client.query_batch_points(self._collection, asked)
        hits = [(read(hit.id, hit.payload), hit.score) for hit in hybrid.points]
        return retrieved(hits, nearest.points[0].score)


class _Runtime(Runtime):
    def _build_index(self, key: SecretStr | None) -> CheckedIndex:
        del key  # the emulated server takes none
        settings = self.settings
        search = _Search(str(settings.qdrant_host), settings.qdrant_collection_name)
        return CheckedIndex(search, settings)


def service() -> ChatService:
    """Everything else is docchat's own."""
    return ChatService(_Runtime())
