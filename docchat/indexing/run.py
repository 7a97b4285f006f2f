"""One index run from beginning to end."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from docchat.core.chunking import CHUNKER_VERSION
from docchat.core.models import Chunk, Manifest
from docchat.core.payload import vector_key
from docchat.core.sparse import SPARSE_VERSION
from docchat.errors import IndexingError, IndexRefused, ServiceError
from docchat.indexing.catalogue import Catalogue
from docchat.indexing.clients import DocumentEmbedder, IndexStore, Progress
from docchat.indexing.patience import Patience
from docchat.indexing.plan import Report, make_plan, same_index, same_space
from docchat.indexing.writing import Writer


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a run may do beyond the usual.

    Attributes:
        shrink: take away more than `MOST_LOST` of the published index.
        other_model: replace an index that was made with another model, at the full price.
    """

    shrink: bool = False
    other_model: bool = False


async def index(
    chunks: Iterable[Chunk],
    *,
    store: IndexStore,
    embedder: DocumentEmbedder,
    embedding_model: str,
    dimension: int,
    commit: str = "",
    allowed: Allowed = Allowed(),
    dry_run: bool = False,
    patience: Patience | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Bring the published index to exactly these chunks.

    Only texts are embedded for which the store has no vector, published or not. Until the new
    version is whole and looked at, readers see the old one. What a run has embedded stays in the
    store if it fails, and the next run takes it from there.

    Args:
        chunks: read once, in a thread of its own.
        store: where the index is.
        embedder: makes the vectors.
        embedding_model: its model.
        dimension: of the vectors.
        commit: of the site's repository, for the manifest.
        allowed: what the run may do beyond the usual.
        dry_run: only say what would be done.
        patience: with services that fail; None for the usual.
        progress: told how many chunks are written.

    Raises:
        IndexLocked: another run is writing this index, or has taken over.
        IndexRefused: there is nothing to index, or it needs to be allowed.
        IndexingError: the new version came out wrong.
        ServiceError: the store or the embedder failed; the old version is still published.
    """
    patience = patience or Patience()
    await patience(lambda: store.acquire(to_write=not dry_run))
    try:
        with Catalogue(lambda c: vector_key(c.embedded_text, embedding_model, dimension)) as wanted:
            await asyncio.to_thread(wanted.fill, chunks)
            made = _manifest(wanted, embedding_model, dimension, commit, store.layout)
            old = await _published(made, store, patience, allowed)
            if old is not None and same_index(old, made):
                if not dry_run:
                    await _confirm(old, made, store, patience)
                return _unchanged(made, progress)
            plan = await make_plan(wanted, store, made, patience, allow_shrink=allowed.shrink)
            if dry_run:
                return plan
            return await _written(
                wanted, made, store, embedder, patience, plan=plan, progress=progress
            )
    finally:
        await store.release()


def _manifest(wanted: Catalogue, model: str, dimension: int, commit: str, layout: str) -> Manifest:
    return Manifest(
        embedding_model=model,
        dimension=dimension,
        chunker=CHUNKER_VERSION,
        chunks=wanted.count(),
        fingerprint=wanted.fingerprint(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sparse=SPARSE_VERSION,
        pages=wanted.pages(),
        commit=commit,
        layout=layout,
    )


async def _published(
    made: Manifest, store: IndexStore, patience: Patience, allowed: Allowed
) -> Manifest | None:
    """How the published index was made, if it may be replaced by what was read."""
    if made.chunks == 0:
        raise IndexRefused("there is no text to index; the published index is left as it is")
    old = await patience(store.manifest)
    if old is not None and not (same_space(old, made) or allowed.other_model):
        raise IndexRefused(
            f"the published index was made with {old.embedding_model} in {old.dimension}"
            f" dimensions, the settings say {made.embedding_model} in {made.dimension}: set"
            f" EMBEDDING_MODEL={old.embedding_model} and EMBEDDING_DIMENSION={old.dimension}, or"
            " embed everything again with --other-model"
        )
    return old


async def _confirm(old: Manifest, made: Manifest, store: IndexStore, patience: Patience) -> None:
    """The published index holds what was read; let it name the commit that was read.

    Raises:
        IndexLocked: another run has taken over, and it may be that one's.
    """
    await patience(store.check)
    if made.commit not in {"", old.commit}:
        for version in await patience(store.versions):
            if version.manifest == old:
                await patience(partial(store.note_commit, version.name, made.commit))


def _unchanged(made: Manifest, progress: Progress) -> Report:
    progress(made.chunks, made.chunks)
    kept = made.chunks
    return Report(made.chunks, 0, kept, removed=0, published=False, changed=False, pages=made.pages)


async def _written(
    wanted: Catalogue,
    made: Manifest,
    store: IndexStore,
    embedder: DocumentEmbedder,
    patience: Patience,
    *,
    plan: Report,
    progress: Progress,
) -> Report:
    version = await patience(lambda: store.begin(made))
    done = _counter(progress, made.chunks)
    writer = Writer(wanted, version, made, store, patience=patience, done=done)
    await writer.copy()
    report = _counted_again(plan, wanted)
    await patience(store.drop_unfinished)  # what was of use in them is in this version
    await writer.embed(embedder)
    try:
        await writer.verify()
    except IndexingError as failure:
        await _discard(version, store, failure)
        raise
    await patience(lambda: store.publish(version))
    return replace(report, published=True)


def _counted_again(plan: Report, wanted: Catalogue) -> Report:
    """Stored vectors can turn out to be damaged."""
    embedded = wanted.count("version IS NULL")
    kept = min(plan.kept, plan.chunks - embedded)
    recovered = plan.chunks - embedded - kept
    return replace(plan, embedded=embedded, kept=kept, recovered=recovered)


def _counter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return add


async def _discard(version: str, store: IndexStore, failure: BaseException) -> None:
    try:
        await store.discard(version)
    except ServiceError as also:
        failure.add_note(f"the unfinished version {version} is left behind: {also}")
