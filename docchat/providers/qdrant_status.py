"""What the statuses of Qdrant's REST API mean to docchat."""

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


def status_error(status: int, reply: bytes, alias: str) -> ServiceError:  # noqa: PLR0911 - one a status
    """Our error for a reply with that status; its message names what to change, never the reply."""
    match status:
        case 401 | 403:
            return KeyRefused("Qdrant refuses QDRANT_API_KEY", reason="unauthorized")
        case 404:
            return IndexUnavailable(
                f"Qdrant has no collection for {alias!r}: run the indexer, or correct"
                " QDRANT_HOST or QDRANT_COLLECTION_NAME",
                reason="collection-missing",
            )
        case 400 if b"Vector dimension error" in reply:
            return AssistantUnavailable(
                f"{alias!r} was made for vectors of another length: index again,"
                " or set EMBEDDING_MODEL and EMBEDDING_DIMENSION to what it was made with",
                reason="other-dimension",
            )
        case 408 | 504:
            return UpstreamTimeout(f"Qdrant ran out of time: HTTP {status}")
        case 429:
            return busy(None)
        case 507:
            return IndexUnavailable("Qdrant's storage is full", reason="storage-full")
        case 500 | 502 | 503:
            return IndexUnavailable(f"Qdrant failed: HTTP {status}", reason="failing")
    return UpstreamBadResponse(f"Qdrant answered HTTP {status}", retries=0)


def busy(wait_s: int | None) -> UpstreamBusy:
    """Too many requests; `wait_s` is what the server asks for, where it does."""
    text = "Qdrant has too many requests: HTTP 429"
    return UpstreamBusy(text, wait_s=wait_s, retries=MOST_RETRIES if wait_s else 1)
