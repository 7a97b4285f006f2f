"""How an index is laid out in Qdrant, as a server and in process: names, payloads, manifests."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from docchat.core.models import Chunk, Manifest, Passage, Point, Retrieved, Scope, Vector

DENSE = "dense"
SPARSE = "sparse"

_INDEX_VERSION = "index_version"
_VECTOR_KEY = "vector_key"

HELD_FIELDS = ("path", _VECTOR_KEY)
"""The fields of a payload that `held_of` reads."""

CANDIDATES = 50
"""How many chunks each side of a hybrid search hands to the fusion."""

VERSION = re.compile(r"\d{8}T\d{12}Z_[0-9a-f]{8}")
"""A version's name; sorted as text, versions stand in the order in which they were begun."""


@dataclass(frozen=True, slots=True)
class Published:
    """What an index on disk says of itself: the version to read, and how it was made."""

    version: str
    previous: str | None
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an index, published, published before or never finished."""

    name: str
    manifest: Manifest
    published: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What a stored point is known by: its id, its page and what its vector was made from."""

    id: str
    path: str
    key: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A point as it was read back; the chunk is None where the payload is not one."""

    chunk: Chunk | None
    dense: Vector


@dataclass(frozen=True, slots=True)
class Read:
    """A point that a search found; the chunk is None where the payload is not one."""

    chunk: Chunk | None
    version: str


_CHUNK = TypeAdapter(Chunk)
_MANIFEST = TypeAdapter(Manifest)
_PUBLISHED = TypeAdapter(Published)


def version_name(at: datetime, nonce: str) -> str:
    """A new version's name.

    Args:
        at: now, in UTC.
        nonce: eight random hexadecimal digits, for two runs in the same microsecond.
    """
    return f"{at:%Y%m%dT%H%M%S%fZ}_{nonce}"


def vector_key(text: str, model: str, dimension: int) -> str:
    """What a vector was made from, as a hash; equal keys may share one vector."""
    made_from = "\0".join((model, str(dimension), text))
    return hashlib.blake2b(made_from.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def payload_of(point: Point, version: str) -> dict[str, object]:
    """All of a chunk except its id, which is the point's, as JSON values.

    With the name of the index version that holds it, so that an answer can say which one it used,
    and with the key of its vector.
    """
    payload: dict[str, object] = _CHUNK.dump_python(point.chunk, mode="json", exclude={"id"})
    return {**payload, _INDEX_VERSION: version, _VECTOR_KEY: point.key}


def held_of(point_id: object, payload: Mapping[str, object] | None) -> Held:
    """What a stored point is known by; fields are empty that the payload does not have."""
    path, key = (str((payload or {}).get(field, "")) for field in HELD_FIELDS)
    return Held(str(point_id), path, key)


def chunk_json(chunk: Chunk) -> bytes:
    """A whole chunk; the same chunk gives the same bytes."""
    return _CHUNK.dump_json(chunk)


def chunk_from_json(text: bytes) -> Chunk:
    """What `chunk_json` wrote."""
    return _CHUNK.validate_json(text)


FILTERED = ("version", "locale")
"""The fields of a payload that a search may ask for."""


def values_in(scope: Scope) -> dict[str, list[str]]:
    """Which values a chunk within the scope has, by field; fields that may have any are left out.

    What has no version or locale is within every scope.
    """
    asked = {field: getattr(scope, field) for field in FILTERED}
    return {field: [value, ""] for field, value in asked.items() if value}


def chunk_of(point_id: object, payload: Mapping[str, object] | None) -> Chunk | None:
    """The chunk of a stored point, or None where the payload is missing or ill-typed."""
    try:
        return _CHUNK.validate_python({**(payload or {}), "id": str(point_id)})
    except ValidationError:
        return None


def manifest_payload(manifest: Manifest) -> dict[str, object]:
    """A manifest as JSON values."""
    values: dict[str, object] = _MANIFEST.dump_python(manifest, mode="json")
    return values


def manifest_of(values: object) -> Manifest | None:
    """The stored manifest, or None where the values are not one."""
    try:
        return _MANIFEST.validate_python(values)
    except ValidationError:
        return None


def published_json(published: Published) -> bytes:
    """The text of a manifest file."""
    return _PUBLISHED.dump_json(published, indent=2)


def published_of(text: bytes) -> Published:
    """What a manifest file says.

    Raises:
        ValueError: the text is not what `published_json` wrote.
    """
    return _PUBLISHED.validate_json(text)


def read(point_id: object, payload: Mapping[str, object] | None) -> Read:
    """What stands in a point that a search found."""
    return Read(chunk_of(point_id, payload), str((payload or {}).get(_INDEX_VERSION, "")))


def retrieved(hits: Sequence[tuple[Read, float]], best_cosine: float) -> Retrieved:
    """The passages among the hits, best first, without points whose payload is ill-typed.

    Args:
        hits: what the hybrid search found and its scores, best first.
        best_cosine: of the nearest point; 0 without one.
    """
    passages = tuple(Passage(hit.chunk, score) for hit, score in hits if hit.chunk is not None)
    return Retrieved(passages, best_cosine, hits[0][0].version if hits else "")
