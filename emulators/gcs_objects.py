"""What the Cloud Storage emulator stores."""

import base64
import hashlib
import itertools
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import google_crc32c

from emulators.google_errors import GoogleError, not_found

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object; a new content is a new generation."""

    content: bytes
    generation: int
    kind: str = "application/octet-stream"
    cache_control: str = ""

    @property
    def etag(self) -> str:
        """As Cloud Storage makes it: of the generation."""
        return f'"{base64.b64encode(str(self.generation).encode()).decode()}"'

    def resource(self, bucket: str, name: str) -> Json:
        """As the JSON API shows it."""
        md5 = hashlib.md5(self.content, usedforsecurity=False).digest()
        crc32c = google_crc32c.value(self.content).to_bytes(4, "big")
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{name}/{self.generation}",
            "bucket": bucket,
            "name": name,
            "size": str(len(self.content)),
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": self.kind,
            "cacheControl": self.cache_control,
            "etag": self.etag,
            "md5Hash": base64.b64encode(md5).decode(),
            "crc32c": base64.b64encode(crc32c).decode(),
        }


@dataclass
class Upload:
    """A resumable upload under way."""

    bucket: str
    wanted: Json
    known: str | None
    content: bytearray = field(default_factory=bytearray)


class Buckets:
    """What is stored, which tests may look at and change while the emulator runs.

    Attributes:
        objects: by bucket and name.
        uploads: resumable ones under way, by id.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], StoredObject] = {}
        self.uploads: dict[str, Upload] = {}
        self._generations = itertools.count(1_700_000_000_000_000)

    def get(self, bucket: str, name: str) -> StoredObject:
        """The object.

        Raises:
            GoogleError: there is none.
        """
        found = self.objects.get((bucket, name))
        if found is None:
            raise not_found(f"No such object: {bucket}/{name}")
        return found

    def put(self, bucket: str, wanted: Json, content: bytes, known: str | None) -> StoredObject:
        """Write an object, if it is the `known` generation that it replaces.

        Raises:
            GoogleError: it is another one.
        """
        key = bucket, str(wanted["name"])
        self.match(key, known)
        kind, cached = wanted.get("contentType", ""), wanted.get("cacheControl", "")
        made = StoredObject(content, next(self._generations), kind, cached)
        self.objects[key] = made
        return made

    def match(self, key: tuple[str, str], known: str | None) -> None:
        """Raises a `GoogleError` unless this generation is asked for, or any."""
        found = self.objects.get(key)
        generation = found.generation if found else 0
        if known is not None and int(known) != generation:
            raise GoogleError(
                HTTPStatus.PRECONDITION_FAILED,
                "FAILED_PRECONDITION",
                "At least one of the pre-conditions you specified did not hold.",
            )
