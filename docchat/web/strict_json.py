"""JSON as RFC 8259 has it, within limits: one object, no duplicate names, no NaN, not deep."""

import json
from typing import Any, NoReturn

from docchat.errors import FieldError, InvalidRequest, MalformedJson

MAX_DEPTH = 16


def parse_object(body: bytes) -> dict[str, Any]:
    """The object that the bytes are.

    Raises:
        MalformedJson: they are not JSON in UTF-8, or it is too deep.
        InvalidRequest: they are JSON, but no object.
    """
    try:
        value = json.loads(
            body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError) as exc:
        raise MalformedJson("the body does not parse") from exc
    if not isinstance(value, dict):
        raise InvalidRequest(FieldError("", "must be an object"))
    if _depth(value) > MAX_DEPTH:
        raise MalformedJson(f"the body is deeper than {MAX_DEPTH} levels")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("two members have the same name")
    return found


def _depth(value: object) -> int:
    """Objects and arrays within one another, level by level: recursion has a limit of its own."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in _children(item)]
    return depth


def _children(container: dict[str, Any] | list[Any]) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else container
