"""An index that is published as artifacts, through one handle for writing and reading."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from docchat.core.artifact import Destination, Source
from docchat.core.models import EVERYWHERE, Manifest, Retrieved, Scope, SparseVector
from docchat.errors import ServiceError
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from docchat.providers.qdrant_edge_publishing import ArtifactStore


class Artifacts(ArtifactStore):
    """As if a search always looked for a newer artifact first."""

    def __init__(self, work: Path, name: str, there: Destination, source: Source) -> None:
        super().__init__(work, name, there)
        self._index = ArtifactIndex(source, _anything, refresh_s=0)

    async def search(
        self,
        dense: Sequence[float],
        sparse: SparseVector,
        limit: int,
        scope: Scope = EVERYWHERE,
    ) -> Retrieved:
        with suppress(ServiceError):
            await self._index.check()
        return await self._index.search(dense, sparse, limit, scope)

    async def aclose(self) -> None:
        await self._index.aclose()
        await super().aclose()


def _anything(_manifest: Manifest) -> None:
    return
