"""What a run has to do, found by comparing the wanted chunks with what the store holds."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from docchat.core.models import Manifest
from docchat.core.payload import Held, Version
from docchat.errors import IndexRefused
from docchat.indexing.catalogue import Catalogue
from docchat.indexing.clients import IndexStore
from docchat.indexing.patience import Patience

MOST_LOST = 0.3
"""The share of an index that a run may take away without being told to."""

_CHARS_A_TOKEN = 4  # of English text; Google's guide to tokens


@dataclass(frozen=True, slots=True)
class Report:
    """What an index run did, or would do, counted in chunks.

    Attributes:
        chunks: the index holds now.
        embedded: were paid for in this run.
        kept: have the vectors they had.
        removed: are gone with their pages or texts.
        published: False when nothing had changed, or for a dry run.
        changed: there was something to publish.
        recovered: have vectors that an earlier run had paid for and not published.
        pages: the chunks are of.
        texts: different texts that were embedded; the same text twice is paid for once.
        tokens: of these texts, estimated.
    """

    chunks: int
    embedded: int
    kept: int
    removed: int
    published: bool
    changed: bool = True
    recovered: int = 0
    pages: int = 0
    texts: int = 0
    tokens: int = 0


def same_space(one: Manifest, other: Manifest) -> bool:
    """Whether vectors of these two indexes can stand beside each other."""
    return _space(one) == _space(other)


def same_index(one: Manifest, other: Manifest) -> bool:
    """Whether these two indexes hold the same."""
    return _content(one) == _content(other)


def _space(manifest: Manifest) -> tuple[object, ...]:
    return manifest.embedding_model, manifest.dimension, manifest.normalization


def _content(manifest: Manifest) -> tuple[object, ...]:
    made = (manifest.chunker, manifest.sparse, manifest.layout, manifest.chunks)
    return (*_space(manifest), *made, manifest.fingerprint)


async def make_plan(
    wanted: Catalogue, store: IndexStore, new: Manifest, patience: Patience, *, allow_shrink: bool
) -> Report:
    """Find the vectors that there are already, and count what is to be done.

    Raises:
        IndexRefused: more than `MOST_LOST` of the published index would be lost.
    """
    kept = recovered = removed = 0
    total = wanted.count()
    for version in await patience(store.versions):
        reusable = same_space(version.manifest, new)
        if not (reusable or version.published):
            continue
        gone, lost = await _compare(wanted, store, version, patience, reusable=reusable)
        found = wanted.count_in(version.name)
        if version.published:
            kept, removed = found, gone
            fewer = version.manifest.chunks - total if _cut_alike(version.manifest, new) else 0
            _refuse_loss(max(lost, fewer), version.manifest.chunks, allowed=allow_shrink)
        else:
            recovered += found
    texts, chars = wanted.without_vector()
    return Report(
        chunks=total,
        embedded=total - kept - recovered,
        kept=kept,
        removed=removed,
        published=False,
        recovered=recovered,
        pages=new.pages,
        texts=texts,
        tokens=-(-chars // _CHARS_A_TOKEN),
    )


async def _compare(
    wanted: Catalogue, store: IndexStore, version: Version, patience: Patience, *, reusable: bool
) -> tuple[int, int]:
    """Note what the version has; how many of its chunks are gone, and how many of them lost."""
    removed = lost = 0
    async for held in all_held(store, version.name, patience):
        if reusable:
            wanted.find(version.name, held)
        if version.published:
            gone, without_trace = wanted.gone(held)
            removed, lost = removed + gone, lost + without_trace
    return removed, lost


async def all_held(
    store: IndexStore, version: str, patience: Patience
) -> AsyncIterator[Sequence[Held]]:
    """All that a version holds, page by page."""
    after = ""
    while True:
        held, after = await patience(lambda: store.held(version, after))  # noqa: B023 - awaited here
        yield held
        if not after:
            return


def _cut_alike(old: Manifest, new: Manifest) -> bool:
    return old.chunker == new.chunker


def _refuse_loss(lost: int, of: int, *, allowed: bool) -> None:
    if lost > of * MOST_LOST and not allowed:
        raise IndexRefused(
            f"{lost} of {of} chunks would be gone: if that is meant, run it again"
            " with --allow-shrink; the published index is left as it is"
        )
