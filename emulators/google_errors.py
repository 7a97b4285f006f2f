"""Errors as Google's APIs send them."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

Json = dict[str, Any]

_RPC = "type.googleapis.com/google.rpc."


class GoogleError(Exception):
    """Ends a request with Google's error body.

    Args:
        code: the HTTP status.
        status: the canonical name, such as `INVALID_ARGUMENT`.
        message: for people.
        reason: of a `google.rpc.ErrorInfo` among the details; none if empty.
    """

    def __init__(self, code: HTTPStatus, status: str, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        details = [error_info(reason)] if reason else []
        self.body = error_body(code, status, message, *details)["error"]


def error_body(code: int, status: str, message: str, *details: Json) -> Json:
    """The whole body of an error; without details it has no list of them, as at Google."""
    error: Json = {"code": int(code), "message": message, "status": status}
    return {"error": error | ({"details": list(details)} if details else {})}


def error_info(reason: str, domain: str = "googleapis.com") -> Json:
    """The detail that says why, for programs."""
    return {"@type": f"{_RPC}ErrorInfo", "reason": reason, "domain": domain}


def retry_info(seconds: str) -> Json:
    """The detail that says when to ask again, such as `31s` or `0.5s`."""
    return {"@type": f"{_RPC}RetryInfo", "retryDelay": seconds}


def help_link(description: str, url: str) -> Json:
    """The detail that says where to read more."""
    return {"@type": f"{_RPC}Help", "links": [{"description": description, "url": url}]}


def quota_failure(quota: str, model: str, value: int) -> Json:
    """The detail that says which quota is used up."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota,
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": str(value),
    }
    return {"@type": f"{_RPC}QuotaFailure", "violations": [violation]}


def invalid_argument(message: str, *, reason: str = "") -> GoogleError:
    """The commonest of them."""
    return GoogleError(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", message, reason=reason)


def not_found(message: str) -> GoogleError:
    """The second commonest."""
    return GoogleError(HTTPStatus.NOT_FOUND, "NOT_FOUND", message)


async def error_response(_request: Request, error: Exception) -> JSONResponse:
    """For Starlette's `exception_handlers`."""
    if not isinstance(error, GoogleError):
        raise error
    return JSONResponse({"error": error.body}, status_code=error.code)
