"""Do the engine in the process, a Qdrant server and the client's local mode find the same?"""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.index.corpus import DIMENSION, Asked, asked, manifest, points
from benchmarks.index.local_mode import LocalMode
from docchat.clients import PassageIndex
from docchat.core.models import Point
from docchat.indexing import IndexStore
from docchat.providers.artifact_folder import ArtifactFolder
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from docchat.providers.qdrant_edge_publishing import ArtifactStore
from emulators.qdrant import create_app
from emulators.server import serve_in_thread
from scripts.evaluation.sets import Collection

_TOP = 10
_BATCH = 256
_EQUAL = 1e-9

Ranks = list[list[tuple[str, float]]]
"""For each question the ids found, best first, with their scores."""


def table(collections: Sequence[Collection]) -> Table:
    """For each site: how much of the top ten is the same, and whether its order is."""
    shown = Table("site", "chunks", "questions", "against local mode", "top-10 overlap")
    shown.add_column("same order")
    for collection in collections:
        made, questions = points(collection.chunks(), len(collection.chunks())), asked([collection])
        reference = _local(made, questions)
        for name, ranks in asyncio.run(_providers(made, questions)).items():
            shown.add_row(
                collection.name,
                f"{len(made):,}",
                str(len(questions)),
                name,
                *(f"{share:.3f}" for share in _agreement(ranks, reference)),
            )
    return shown


def _local(made: Sequence[Point], questions: Sequence[Asked]) -> Ranks:
    index = LocalMode()
    index.fill(made, DIMENSION)
    found = [index.search(dense, sparse, _TOP) for dense, sparse in questions]
    index.close()
    return [[(hit.chunk.id, hit.score) for hit in one.passages] for one in found]


async def _providers(made: Sequence[Point], questions: Sequence[Asked]) -> dict[str, Ranks]:
    found = {}
    with tempfile.TemporaryDirectory() as folder, serve_in_thread(create_app()) as url:
        for name, half in {"artifact": False, "artifact, float16": True}.items():
            there = ArtifactFolder(Path(folder, name))
            store = ArtifactStore(Path(folder, f"{name} work"), "docs", there, half=half)
            await publish(store, made)
            index = ArtifactIndex(there, lambda _: None)
            found[name] = await _ranks(index, questions)
            await index.aclose()
        server = QdrantIndex(url, None, "docs")
        await publish(server, made)
        found["server (emulated)"] = await _ranks(server, questions)
        await server.aclose()
    return found


async def publish(store: IndexStore, made: Sequence[Point]) -> None:
    """Write and publish an index of these points."""
    version = await store.begin(manifest(len(made), store.layout))
    for start in range(0, len(made), _BATCH):
        await store.add(version, made[start : start + _BATCH])
    await store.publish(version)


async def _ranks(index: PassageIndex, questions: Sequence[Asked]) -> Ranks:
    found = [await index.search(dense, sparse, _TOP) for dense, sparse in questions]
    return [[(hit.chunk.id, hit.score) for hit in one.passages] for one in found]


def _agreement(ranks: Ranks, reference: Ranks) -> tuple[float, float]:
    """The share of the top ten that both found; and of pairs of these, those in the same order.

    Fusion by ranks gives equal scores to many; of equals either order is the same.
    """
    pairs = [(dict(a), dict(b)) for a, b in zip(ranks, reference, strict=True)]
    overlap = [len(a.keys() & b.keys()) / max(1, len(b)) for a, b in pairs]
    ordered = [same for a, b in pairs for same in _ordered(a, b)]
    return sum(overlap) / len(overlap), sum(ordered) / len(ordered)


def _ordered(one: dict[str, float], other: dict[str, float]) -> Iterator[bool]:
    for a, b in itertools.combinations(one.keys() & other.keys(), 2):
        yield (one[a] - one[b]) * (other[a] - other[b]) >= -_EQUAL
