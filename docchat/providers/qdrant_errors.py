"""The Qdrant client's errors as docchat's."""

import httpx
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from docchat.errors import (
    IndexUnavailable,
    ServiceError,
    UpstreamBadResponse,
    UpstreamTimeout,
)
from docchat.providers.qdrant_status import busy, status_error


def docchat_error(exc: Exception, alias: str) -> ServiceError:
    """Our error for one of the client's; its message names what to change, never the reply."""
    match exc:
        case UnexpectedResponse():
            return status_error(exc.status_code or 0, exc.content, alias)
        case ResponseHandlingException(source=httpx.TimeoutException()):
            return UpstreamTimeout("Qdrant did not answer in time")
        case ResponseHandlingException(source=httpx.TransportError()):
            return IndexUnavailable("Qdrant cannot be reached")
        case ResourceExhaustedResponse():
            return busy(exc.retry_after_s)
        case QdrantException():
            return busy(None)  # a Retry-After that is not a number
    text = "Qdrant answered with something that is not its API's JSON"
    return UpstreamBadResponse(text, retries=1)
