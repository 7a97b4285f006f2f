"""An index as one file that anybody can serve, and the manifest that says which one it is.

MANIFEST               which artifact is published, and which one was before
SHA-256.tar            one version of the index, packed; never written again
"""

import functools
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter

from docchat.core.models import Manifest
from docchat.core.payload import VERSION

MANIFEST = "manifest.json"
"""The name of the manifest's file; to replace it is to publish."""

ARCHIVE = re.compile(r"[0-9a-f]{64}\.tar")
"""What the names of packed versions look like."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One version of an index, packed.

    Attributes:
        version: its name.
        sha256: of the packed file, in hexadecimal digits; the file is named after it.
        size: of the packed file, in bytes.
        unpacked: how many bytes its files take on a disk.
        manifest: how it was made.
    """

    version: Annotated[str, Field(pattern=f"^{VERSION.pattern}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    unpacked: Annotated[int, Field(ge=0)]
    manifest: Manifest

    @property
    def name(self) -> str:
        """Of the packed file."""
        return f"{self.sha256}.tar"


@dataclass(frozen=True, slots=True)
class Release:
    """What a manifest's file says."""

    current: Artifact
    previous: Artifact | None = None
    format: Literal["docchat-artifact-1"] = "docchat-artifact-1"

    @property
    def names(self) -> set[str]:
        """The packed files that must stay."""
        return {artifact.name for artifact in (self.current, self.previous) if artifact}


def release_json(release: Release) -> bytes:
    """The text of a manifest's file."""
    return _adapter().dump_json(release, indent=2)


def release_of(text: bytes) -> Release:
    """What a manifest's file says.

    Raises:
        ValueError: the text is not what `release_json` wrote.
    """
    return _adapter().validate_json(text)


@functools.cache
def _adapter() -> TypeAdapter[Release]:
    # Not made at import: an index that is read in place has no use for it.
    return TypeAdapter(Release)


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest's file as it was found; another stamp means that it was replaced."""

    content: bytes
    stamp: str


class Source(Protocol):
    """Where artifacts of one index lie. Its methods block.

    Every method raises `IndexUnavailable` or `UpstreamTimeout` when the place cannot be used.
    """

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        ...

    def manifest(self, known: str = "") -> Found | None:
        """The manifest's file; None if it still is the one with the stamp `known`.

        Raises:
            IndexUnavailable: `reason` is `collection-missing` where there is none.
        """
        ...

    def open(self, name: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a packed version.

        Raises:
            IndexUnavailable: `reason` is `archive-missing` where there is none of that name.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Destination(Source, Protocol):
    """A place to which artifacts can be published."""

    def archives(self) -> dict[str, str]:
        """The packed versions that lie there, each with a stamp of its own."""
        ...

    def put(self, name: str, file: Path) -> None:
        """Write a packed version; readers see it whole or not at all."""
        ...

    def replace(self, content: bytes, known: str) -> None:
        """Replace the manifest's file in one step, if it still is the `known` one.

        Args:
            content: of the new one.
            known: the stamp of the one it replaces; empty if there was none.

        Raises:
            IndexLocked: there is another one by now.
        """
        ...

    def drop(self, name: str, stamp: str) -> None:
        """Remove a packed version if it still is the one with that stamp."""
        ...
