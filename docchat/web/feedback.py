"""`POST /feedback`: what a visitor thought of an answer, as one log line."""

import re
from typing import Any

from starlette.responses import Response

from docchat import logs
from docchat.errors import FieldError, InvalidRequest
from docchat.web.app import Call
from docchat.web.requests import clean, read_json

THUMBS = ("up", "down")
MAX_REASON_CHARS = 100
MAX_TEXT_CHARS = 1000
_ID = re.compile(r"[0-9a-f]{32}")


async def feedback(call: Call) -> Response:
    """Take `{"id", "thumb", "reason"?, "text"?}`; answers 204.

    Raises:
        InvalidRequest: names the field at fault.
    """
    body = await read_json(call.request)
    answer_id = body.get("id")
    if not isinstance(answer_id, str) or not _ID.fullmatch(answer_id):
        raise InvalidRequest(FieldError("/id", "must be the id of an answer"))
    thumb = body.get("thumb")
    if thumb not in THUMBS:
        raise InvalidRequest(FieldError("/thumb", "must be up or down"))
    logs.feedback(
        answer_id,
        thumb,
        reason=_optional(body, "reason", MAX_REASON_CHARS),
        text=_optional(body, "text", MAX_TEXT_CHARS),
    )
    return Response(status_code=204)


def _optional(body: dict[str, Any], field: str, max_chars: int) -> str:
    value = body.get(field, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(FieldError(f"/{field}", "must be text"))
    text = clean(value, f"/{field}")
    if len(text) > max_chars:
        raise InvalidRequest(FieldError(f"/{field}", f"must have at most {max_chars} characters"))
    return text
