"""Artifacts in a Cloud Storage bucket, for who only reads them.

Not through google-cloud-storage: see docs/decisions/0011-artifacts.md.
"""

import threading
from collections.abc import Mapping

import google.auth
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from docchat.errors import IndexUnavailable
from docchat.providers.artifact_https import HttpsArtifacts, nobody

_STORAGE = "https://storage.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


def gs_artifacts(address: str, base_url: str | None = None) -> HttpsArtifacts:
    """A `Source` over the bucket's objects.

    Args:
        address: `gs://BUCKET/…`, of this index.
        base_url: an emulator on this machine, asked without an account; None is the cloud.
    """
    path = address.removeprefix("gs://")
    headers = nobody if base_url else _Account(address).headers
    return HttpsArtifacts(f"{base_url or _STORAGE}/{path}", place=address, headers=headers)


class _Account:
    """The account that the process runs as; asked for when it is first needed."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._credentials: google.auth.credentials.Credentials | None = None

    def headers(self) -> Mapping[str, str]:
        """With a token that is still good for minutes."""
        try:
            with self._lock:
                if self._credentials is None:
                    self._credentials, _ = google.auth.default(scopes=[_SCOPE])
                if not self._credentials.valid:
                    self._credentials.refresh(Request())  # type: ignore[no-untyped-call]
                return {"authorization": f"Bearer {self._credentials.token}"}
        except TransportError as exc:
            raise IndexUnavailable(f"{self._place}: no token: {type(exc).__name__}") from exc
        except GoogleAuthError as exc:
            raise IndexUnavailable(
                f"{self._place}: there is no account to read with: {type(exc).__name__}",
                reason="unauthorized",
            ) from exc
