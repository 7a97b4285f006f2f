"""The Qdrant client's errors as docchat's."""

import httpx
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from docchat.errors import (
    AssistantUnavailable,
    IndexUnavailable,
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
    return UpstreamBadResponse("Qdrant answered with something that is not its API's JSON")


def _status_error(exc: UnexpectedResponse, alias: str) -> ServiceError:  # noqa: PLR0911 - one a status
    match exc.status_code:
        case 401 | 403:
            return AssistantUnavailable("Qdrant refuses QDRANT_API_KEY", reason="unauthorized")
        case 404:
            return IndexUnavailable(
                f"Qdrant has no collection for {alias!r}: run the indexer, or correct"
                " QDRANT_HOST or QDRANT_COLLECTION_NAME",
                reason="collection-missing",
            )
        case 400 if b"Vector dimension error" in exc.content:
            return IndexUnavailable(
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
    return UpstreamBadResponse(f"Qdrant answered HTTP {exc.status_code}")


def _busy(retry_after: int | None) -> UpstreamBusy:
    error = UpstreamBusy("Qdrant has too many requests: HTTP 429")
    error.retry_after = retry_after or error.retry_after
    return error
