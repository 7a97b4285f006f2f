"""The Qdrant client's errors as docchat's."""

import httpx
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from docchat.errors import (
    MOST_RETRIES,
    AssistantUnavailable,
    IndexUnavailable,
    KeyRefused,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
)


def docchat_error(exc: Exception, alias: str) -> ServiceError:
    """Our error for one of the client's; its message names what to change, never the reply."""
    match exc:
        case UnexpectedResponse():
            return _status_error(exc, alias)
        case ResponseHandlingException(source=httpx.TimeoutException()):
            return UpstreamTimeout("Qdrant did not answer in time")
        case ResponseHandlingException(source=httpx.TransportError()):
            return IndexUnavailable("Qdrant cannot be reached")
        case ResourceExhaustedResponse():
            return _busy(exc.retry_after_s)
        case QdrantException():
            return _busy(None)  # a Retry-After that is not a number
    text = "Qdrant answered with something that is not its API's JSON"
    return UpstreamBadResponse(text, retries=1)


def _status_error(exc: UnexpectedResponse, alias: str) -> ServiceError:  # noqa: PLR0911 - one a status
    match exc.status_code:
        case 401 | 403:
            return KeyRefused("Qdrant refuses QDRANT_API_KEY", reason="unauthorized")
        case 404:
            return IndexUnavailable(
                f"Qdrant has no collection for {alias!r}: run the indexer, or correct"
                " QDRANT_HOST or QDRANT_COLLECTION_NAME",
                reason="collection-missing",
            )
        case 400 if b"Vector dimension error" in exc.content:
            return AssistantUnavailable(
                f"{alias!r} was made for vectors of another length: index again,"
                " or set EMBEDDING_MODEL and EMBEDDING_DIMENSION to what it was made with",
                reason="other-dimension",
            )
        case 408 | 504:
            return UpstreamTimeout(f"Qdrant ran out of time: HTTP {exc.status_code}")
        case 429:
            return _busy(None)
        case 507:
            return IndexUnavailable("Qdrant's storage is full", reason="storage-full")
        case 500 | 502 | 503:
            return IndexUnavailable(f"Qdrant failed: HTTP {exc.status_code}", reason="failing")
    return UpstreamBadResponse(f"Qdrant answered HTTP {exc.status_code}", retries=0)


def _busy(wait_s: int | None) -> UpstreamBusy:
    text = "Qdrant has too many requests: HTTP 429"
    return UpstreamBusy(text, wait_s=wait_s, retries=MOST_RETRIES if wait_s else 1)
