"""Errors as Google's APIs send them."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse


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
        self.body: dict[str, Any] = {"code": code.value, "message": message, "status": status}
        if reason:
            info = "type.googleapis.com/google.rpc.ErrorInfo"
            details = {"@type": info, "reason": reason, "domain": "googleapis.com"}
            self.body["details"] = [details]


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
