"""What a problem body may hold: our own words, whatever was sent."""

import json
import re
from typing import Any

from docchat import errors
from docchat.errors import DocchatError, IndexingError

TYPES: dict[str, type[DocchatError]] = {
    error.slug: error
    for error in vars(errors).values()
    if isinstance(error, type)
    and issubclass(error, DocchatError)
    and not issubclass(error, IndexingError)
    and "slug" in vars(error)
}
_MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}
_OPTIONAL = {"retry_after_s", "errors"}
_POINTER = re.compile(
    r"|/(query|messages|id|thumb|reason|text)|/messages/\d{1,2}(/(role|content|parts))?"
)
_REASON = re.compile(
    r"is required, or /messages|must be (text|user|an object|the id of an answer|up or down)"
    r"|must be user or assistant|must be a list with at least one message"
    r"|must have at most \d+ (characters|messages)|must have characters that can be seen"
    r"|must not (be empty|have lone surrogates)"
)


def slug_of(status: int, content_type: str, body: bytes) -> str:
    """The type of a well-formed problem in which every word is ours, so that nothing is echoed."""
    assert content_type == "application/problem+json"
    problem: dict[str, Any] = json.loads(body)
    assert _MEMBERS <= set(problem) <= _MEMBERS | _OPTIONAL
    slug = str(problem["type"]).removeprefix("urn:docchat:problem:")
    error = TYPES[slug]
    assert problem["status"] == status == error.status
    assert problem["title"] == error.title
    assert re.fullmatch(r"[0-9a-f]{32}", problem["request_id"])
    assert problem["instance"] == f"urn:docchat:request:{problem['request_id']}"
    _check_detail(slug, problem)
    return slug


def _check_detail(slug: str, problem: dict[str, Any]) -> None:
    if slug == "invalid-request":
        for one in problem["errors"]:
            assert _POINTER.fullmatch(one["pointer"])
            assert _REASON.fullmatch(one["reason"]), one["reason"]
        first = problem["errors"][0]
        assert problem["detail"] == f"{first['pointer'] or '/'}: {first['reason']}."
    elif slug == "body-too-large":
        assert problem["detail"] == "Send at most 65536 bytes."
    else:
        assert problem["detail"] == TYPES[slug].detail
