"""An index that changes under a process that serves it, again and again."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from docchat.core.artifact import Release, release_json, release_of
from docchat.core.sparse import encode_query
from docchat.providers.artifact_gs import gs_artifacts
from docchat.providers.artifact_gs_writing import GsArtifacts
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from scripts.trials.stage import DIMENSION, Stage

_SETTLED = 10  # changes after which nothing may grow any more
_SLACK_KIB = 16 * 1024

Taken = tuple[int, int, int]


async def changes(stage: Stage, count: int, temp: Path) -> list[str]:
    """Publish the version before, so often, and search after each; returns what does not hold."""
    tempfile.tempdir = str(temp)
    there, wrong, first = GsArtifacts(*stage.artifact), [], (0, 0, 0)
    source, now_s = gs_artifacts(*stage.artifact), 0.0
    index = ArtifactIndex(source, lambda _: None, refresh_s=1, clock=lambda: now_s)
    vector, words = [1.0] + [0.0] * (DIMENSION - 1), encode_query("generation topic part")
    for change in range(count):
        version = _publish_the_one_before(there)
        now_s += 2
        await index.check()
        found = await index.search(vector, words, 50)
        if found.index_version != version:
            wrong.append(f"change {change}: {found.index_version} instead of {version}")
        if change == _SETTLED:
            first = _taken(temp)
    wrong += _grown(first, _taken(temp))
    await index.aclose()
    there.close()
    return wrong


def _publish_the_one_before(there: GsArtifacts) -> str:
    found = there.manifest()
    assert found is not None  # noqa: S101 - the stage has published two
    release = release_of(found.content)
    assert release.previous is not None  # noqa: S101 - likewise
    there.replace(release_json(Release(release.previous, release.current)), found.stamp)
    return release.previous.version


def _taken(temp: Path) -> Taken:
    """Open files, blocks of temporary files, and KiB of memory that is no file's."""
    status = Path("/proc/self/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))
    blocks = sum(path.stat().st_blocks for path in temp.rglob("*"))
    return len(os.listdir("/proc/self/fd")), blocks, own  # noqa: PTH208 - the names alone


def _grown(first: Taken, last: Taken) -> Iterator[str]:
    allowed = (0, 0, _SLACK_KIB)
    kinds = ("open files", "blocks", "KiB")
    for what, before, after, more in zip(kinds, first, last, allowed, strict=True):
        if after > before + more:
            yield f"{before} {what} have become {after}"
