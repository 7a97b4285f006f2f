"""Artifacts on a web server, read by plain requests: a site's static host, or a bucket."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx2

from docchat.core.artifact import MANIFEST, Found
from docchat.errors import IndexUnavailable, ServiceError, UpstreamBusy, UpstreamTimeout

_CONNECT_S = 3.0
_LARGEST_MANIFEST = 65_536
_PIECE = 1 << 18

Headers = Callable[[], Mapping[str, str]]
"""Gives the headers that say who asks; may fail like the request itself."""


def nobody() -> Mapping[str, str]:
    """No headers: anybody may read."""
    return {}


class HttpsArtifacts:
    """A `Source` over HTTP.

    Args:
        url: of this index; the names of files are appended to it.
        place: as `Source.place`.
        headers: sent with each request.
        timeout_s: for each piece of an answer.
    """

    def __init__(
        self, url: str, *, place: str = "", headers: Headers = nobody, timeout_s: float = 10.0
    ) -> None:
        self._url = url
        self.place = place or url
        self._headers = headers
        # A length that differs from the manifest's would look like damage.
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(timeout_s, connect=_CONNECT_S),
            headers={"accept-encoding": "identity"},
        )

    def manifest(self, known: str = "") -> Found | None:
        """As `Source.manifest`."""
        asked = {"cache-control": "no-cache"} | ({"if-none-match": known} if known else {})
        with self._get(MANIFEST, asked) as response:
            if response.status_code == httpx2.codes.NOT_MODIFIED:
                return None
            if response.status_code == httpx2.codes.NOT_FOUND:
                raise IndexUnavailable(
                    f"nothing is published at {self.place}: run the indexer with --publish",
                    reason="collection-missing",
                )
            self._refuse(response)
            content = b"".join(_no_more(response.iter_bytes(), _LARGEST_MANIFEST))
            return Found(content, response.headers.get("etag", ""))

    @contextmanager
    def open(self, name: str) -> Iterator[Iterator[bytes]]:
        """As `Source.open`."""
        with self._get(name, {}) as response:
            if response.status_code == httpx2.codes.NOT_FOUND:
                raise IndexUnavailable(
                    f"{name} is gone from {self.place}, but the manifest names it: index again, or"
                    " go back with --rollback",
                    reason="archive-missing",
                )
            self._refuse(response)
            yield response.iter_bytes(_PIECE)

    def close(self) -> None:
        """As `Source.close`."""
        self._client.close()

    @contextmanager
    def _get(self, name: str, headers: Mapping[str, str]) -> Iterator[httpx2.Response]:
        try:
            sent = {**self._headers(), **headers}
            with self._client.stream("GET", f"{self._url}/{name}", headers=sent) as response:
                yield response
        except httpx2.TimeoutException as exc:
            raise UpstreamTimeout(f"{self.place} does not answer in time") from exc
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise IndexUnavailable(f"{self.place} cannot be reached: {type(exc).__name__}") from exc

    def _refuse(self, response: httpx2.Response) -> None:
        """Raise what the status means, unless it is the file."""
        if response.status_code != httpx2.codes.OK:
            raise _failure(self.place, response.status_code)


def _failure(place: str, status: int) -> ServiceError:
    if status in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
        return IndexUnavailable(
            f"{place} may not be read by this account ({status}): grant it the right to read"
            " objects",
            reason="unauthorized",
        )
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return UpstreamBusy(f"{place} is asked too often")
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return IndexUnavailable(f"{place} answers {status}", reason="failing")
    return IndexUnavailable(
        f"{place} answers {status}: set QDRANT_HOST to where the indexer's manifest lies",
        reason="refused",
    )


def _no_more(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        size -= len(piece)
        if size < 0:
            return
        yield piece
