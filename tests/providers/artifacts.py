"""Small indexes, published as artifacts into a folder."""

import uuid
from dataclasses import replace
from pathlib import Path

from docchat.core.artifact import Destination
from docchat.core.models import Chunk, Manifest, Point, SparseVector, Vector
from docchat.providers.artifact_folder import ArtifactFolder
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from docchat.providers.qdrant_edge_publishing import ArtifactStore

NORTH, EAST = (1.0, 0.0), (0.0, 1.0)
TERMS = SparseVector((1,), (1.0,))
MADE = Manifest("test-embedding", 2, "1", 0, "f", "2026-11-21T08:00:00+00:00")


def point(name: str, dense: Vector = NORTH) -> Point:
    chunk_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    chunk = Chunk(chunk_id, f"{name}.md", f"https://docs.example/{name}", "A", (), "T")
    return Point(chunk, dense, TERMS)


def store(folder: Path, destination: Destination | None = None) -> ArtifactStore:
    """Writes in `folder`, publishes into `folder/there` unless told otherwise."""
    return ArtifactStore(folder / "work", "docs", destination or ArtifactFolder(folder / "there"))


async def publish(
    writer: ArtifactStore,
    *names: str,
    model: str = MADE.embedding_model,
    dense: Vector = NORTH,
) -> str:
    version = await writer.begin(replace(MADE, chunks=len(names), embedding_model=model))
    await writer.add(version, [point(name, dense) for name in names])
    await writer.publish(version)
    return version


async def found(index: ArtifactIndex) -> list[str]:
    """The names of what a search finds."""
    passages = (await index.search(NORTH, TERMS, 9)).passages
    return sorted(passage.chunk.path.removesuffix(".md") for passage in passages)
