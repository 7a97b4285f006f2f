"""Which index QDRANT_HOST means: for the chat, and for the indexer.

The SDKs are imported inside the functions that need them, because each takes up to three quarters
of a second.
"""

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

from pydantic import SecretStr

from docchat.checked_index import CheckedIndex, refuse_mismatch
from docchat.errors import Misconfigured
from docchat.setting_types import GS_PREFIX, Quantization, Switch
from docchat.settings import Settings

if TYPE_CHECKING:
    from docchat.core.artifact import Destination, Source
    from docchat.providers.qdrant import QdrantIndex
    from docchat.providers.qdrant_edge import EdgeIndex
    from docchat.providers.qdrant_edge_artifact import ArtifactIndex
    from docchat.providers.qdrant_edge_publishing import ArtifactStore
    from docchat.providers.qdrant_search import QdrantSearch

Served: TypeAlias = Union[CheckedIndex, "ArtifactIndex"]
Store: TypeAlias = Union["QdrantIndex", "EdgeIndex", "ArtifactStore"]

WORK = Path(".local/publish")
"""Where versions are written that are published as artifacts."""


def warm(settings: Settings) -> None:
    """Import what `served` will."""
    if settings.index_address is not None or _published_in(settings) is not None:
        from docchat.providers import qdrant_edge_artifact  # noqa: F401
    elif settings.index_folder is None:
        from docchat.providers import qdrant_search  # noqa: F401
    else:
        from docchat.providers import qdrant_edge  # noqa: F401


def served(settings: Settings, key: SecretStr | None) -> Served:
    """The index that the chat searches, never one that does not fit the settings."""
    source = _source(settings)
    if source is None:
        return CheckedIndex(_searched(settings, key), settings)
    from docchat.providers.qdrant_edge_artifact import ArtifactIndex

    accept = functools.partial(refuse_mismatch, settings=settings)
    index = ArtifactIndex(source, accept, refresh_s=settings.index_refresh_s)
    index.begin()
    return index


def store(settings: Settings, key: SecretStr | None, publish: str = "") -> Store:
    """The index that the indexer writes, which may be empty.

    Args:
        settings: they name it.
        key: the Qdrant server's.
        publish: a folder or `gs://…` to publish artifacts to, in place of what the settings name.

    Raises:
        Misconfigured: the settings name a place that can only be read.
    """
    destination = _destination(settings, publish)
    if destination is None:
        return _in_place(settings, key)
    from docchat.providers.qdrant_edge_publishing import ArtifactStore

    work = WORK / hashlib.sha256(destination.place.encode()).hexdigest()[:16]
    half = settings.index_quantization is Quantization.FLOAT16
    return ArtifactStore(work, settings.qdrant_collection_name, destination, half=half)


def _searched(settings: Settings, key: SecretStr | None) -> "QdrantSearch | EdgeIndex":
    if settings.index_folder is not None:
        return _folder(settings, settings.index_folder)
    from docchat.providers.qdrant_search import QdrantSearch

    return QdrantSearch(str(settings.qdrant_host), key, settings.qdrant_collection_name)


def _folder(settings: Settings, folder: Path) -> "EdgeIndex":
    from docchat.providers.qdrant_edge import EdgeIndex

    half = settings.index_quantization is Quantization.FLOAT16
    return EdgeIndex(folder, settings.qdrant_collection_name, half=half)


def _in_place(settings: Settings, key: SecretStr | None) -> "QdrantIndex | EdgeIndex":
    if settings.index_folder is not None:
        return _folder(settings, settings.index_folder)
    from docchat.providers.qdrant import QdrantIndex
    from docchat.providers.qdrant_growth import Growth

    growth = Growth(
        shards=settings.index_shards,
        replicas=settings.index_replicas,
        quantization=settings.index_quantization.value,
        on_disk=settings.index_on_disk is Switch.ON,
    )
    url, name = str(settings.qdrant_host), settings.qdrant_collection_name
    return QdrantIndex(url, key, name, growth=growth, lease_s=settings.index_lease_s)


def _source(settings: Settings) -> "Source | None":
    """Where the artifacts are, if it is artifacts that the settings name."""
    address = settings.index_address
    if address is None:
        return _published_in(settings)
    if address.startswith(GS_PREFIX):
        from docchat.providers.artifact_gs import gs_artifacts

        return gs_artifacts(address, settings.storage_base_url)
    from docchat.providers.artifact_https import HttpsArtifacts

    return HttpsArtifacts(address)


def _destination(settings: Settings, publish: str) -> "Destination | None":
    address = (
        f"{publish.rstrip('/')}/{settings.qdrant_collection_name}"
        if publish
        else settings.index_address
    )
    if address is None:
        return _published_in(settings)
    if address.startswith(GS_PREFIX):
        from docchat.providers.artifact_gs_writing import GsArtifacts

        return GsArtifacts(address, settings.storage_base_url)
    if "://" in address:
        raise Misconfigured(
            f"{address} can only be read: give --publish a folder, and upload what is in it, or a"
            " gs:// address"
        )
    from docchat.providers.artifact_folder import ArtifactFolder

    return ArtifactFolder(Path(address))


def _published_in(settings: Settings) -> "Destination | None":
    """The folder that the settings name, if an artifact was published there."""
    if settings.index_folder is None:
        return None
    from docchat.providers.artifact_folder import ArtifactFolder

    folder = ArtifactFolder(settings.index_folder / settings.qdrant_collection_name)
    return folder if folder.holds_artifact else None
