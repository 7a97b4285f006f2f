"""Artifacts in a Cloud Storage bucket, for the indexer, which publishes them.

Every write has a precondition on the object's generation, so none can be lost to another's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.cloud.storage.retry import DEFAULT_RETRY

from docchat.core.artifact import ARCHIVE, MANIFEST, Found
from docchat.errors import IndexLocked, IndexUnavailable, UpstreamTimeout

_TIMEOUT_S = 60.0  # one request without an answer
_RETRY = DEFAULT_RETRY.with_timeout(120.0)
_PIECE = 1 << 20
_NONE = 0  # the generation of an object that is not there


class GsArtifacts:
    """A `Destination` over a bucket's objects, with the account that the process runs as.

    Args:
        address: `gs://BUCKET/…`, of this index.
        base_url: an emulator on this machine, asked without an account; None is the cloud.
    """

    def __init__(self, address: str, base_url: str | None = None) -> None:
        self.place = address
        bucket, _, self._prefix = address.removeprefix("gs://").partition("/")
        with self._translated():
            self._client = _connect(base_url)
        self._bucket = self._client.bucket(bucket)

    def manifest(self, known: str = "") -> Found | None:
        """As `Source.manifest`; the stamp is the object's generation."""
        with self._translated():
            blob = self._bucket.get_blob(self._object(MANIFEST), timeout=_TIMEOUT_S)
            if blob is None:
                raise IndexUnavailable(
                    f"nothing is published at {self.place}", reason="collection-missing"
                )
            stamp = str(blob.generation)
            if stamp == known:
                return None
            content: bytes = blob.download_as_bytes(
                if_generation_match=blob.generation, timeout=_TIMEOUT_S
            )
            return Found(content, stamp)

    @contextmanager
    def open(self, name: str) -> Iterator[Iterator[bytes]]:
        """As `Source.open`."""
        blob = self._bucket.blob(self._object(name))
        with self._translated(), blob.open("rb", chunk_size=8 * _PIECE) as file:
            yield iter(lambda: file.read(_PIECE), b"")

    def close(self) -> None:
        """As `Source.close`."""
        self._client.close()

    def archives(self) -> dict[str, str]:
        """As `Destination.archives`."""
        prefix = self._object("")
        with self._translated():
            found = self._client.list_blobs(self._bucket, prefix=prefix, timeout=_TIMEOUT_S)
            named = {blob.name.removeprefix(prefix): str(blob.generation) for blob in found}
        return {name: stamp for name, stamp in named.items() if ARCHIVE.fullmatch(name)}

    def put(self, name: str, file: Path) -> None:
        """As `Destination.put`."""
        blob = self._bucket.blob(self._object(name))
        blob.cache_control = "public, max-age=31536000, immutable"
        with self._translated():
            try:
                blob.upload_from_filename(
                    str(file), if_generation_match=_NONE, retry=_RETRY, timeout=_TIMEOUT_S
                )
            except exceptions.PreconditionFailed:
                return  # it is there, and the same name is the same content

    def replace(self, content: bytes, known: str) -> None:
        """As `Destination.replace`."""
        blob = self._bucket.blob(self._object(MANIFEST))
        blob.cache_control = "no-cache"
        with self._translated():
            try:
                blob.upload_from_string(
                    content,
                    content_type="application/json",
                    if_generation_match=int(known or _NONE),
                    retry=_RETRY,
                    timeout=_TIMEOUT_S,
                )
            except exceptions.PreconditionFailed as exc:
                now = self.manifest()
                if now is None or now.content != content:  # ours, if only the answer was lost
                    raise IndexLocked(f"another run has published at {self.place}") from exc

    def drop(self, name: str, stamp: str) -> None:
        """As `Destination.drop`."""
        blob = self._bucket.blob(self._object(name))
        with self._translated():
            try:
                blob.delete(if_generation_match=int(stamp), retry=_RETRY, timeout=_TIMEOUT_S)
            except (exceptions.NotFound, exceptions.PreconditionFailed):
                return  # somebody else was faster

    def _object(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exceptions.NotFound as exc:
            raise IndexUnavailable(
                f"an object or the bucket of {self.place} is not there", reason="archive-missing"
            ) from exc
        except (exceptions.Forbidden, exceptions.Unauthorized, GoogleAuthError) as exc:
            raise IndexUnavailable(
                f"this account may not use {self.place} ({type(exc).__name__}): grant it the role"
                " roles/storage.objectUser on the bucket",
                reason="unauthorized",
            ) from exc
        except (requests.Timeout, exceptions.RetryError) as exc:
            raise UpstreamTimeout(f"{self.place} does not answer in time") from exc
        except (exceptions.GoogleAPICallError, requests.RequestException) as exc:
            raise IndexUnavailable(
                f"{self.place} cannot be used: {type(exc).__name__}", reason="failing"
            ) from exc


def _connect(base_url: str | None) -> Client:
    if base_url is None:
        return Client()
    return Client(
        project="local",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": base_url},
    )
