"""Errors as RFC 9457 problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from docchat.errors import DocchatError, InvalidRequest, MethodNotAllowed, Unauthorized

MEDIA_TYPE = "application/problem+json"


def problem(error: DocchatError, request_id: str) -> dict[str, Any]:
    """The public description of an error. Nothing in it comes from the caller or upstream."""
    body: dict[str, Any] = {
        "type": f"urn:docchat:problem:{error.slug}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": f"urn:docchat:request:{request_id}",
        "request_id": request_id,
    }
    if error.retry_after is not None:
        body["retry_after_s"] = error.retry_after
    if isinstance(error, InvalidRequest):
        body["errors"] = [{"pointer": e.pointer, "reason": e.reason} for e in error.errors]
    return body


def for_openai(error: DocchatError) -> dict[str, Any]:
    """The same in the shape that clients of the OpenAI API read and show."""
    return {"error": {"message": error.detail, "type": error.slug, "code": error.slug}}


def response(
    error: DocchatError, request_id: str, extra: Mapping[str, Any] | None = None
) -> JSONResponse:
    """The error as an HTTP response.

    Args:
        error: what went wrong.
        request_id: the id under which the log has its cause.
        extra: further members of the body.
    """
    headers = {}
    if error.retry_after is not None and error.status in {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    return JSONResponse(
        problem(error, request_id) | dict(extra or {}),
        status_code=error.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )
