"""Which part of the docs a request is about: the version and the locale of the visitor's page."""

import re
from typing import Any

from docchat.core.models import Scope
from docchat.errors import FieldError, InvalidRequest

_NAME = re.compile(r"[A-Za-z0-9._+ -]{0,100}")
_FIELDS = ("version", "locale")


def parse_scope(body: dict[str, Any]) -> Scope:
    """`{"page": {"version": "2.0", "locale": "fr"}}`; what is not there is not asked for.

    Raises:
        InvalidRequest: names each field at fault.
    """
    page = body.get("page")
    if page is None:
        return Scope()
    if not isinstance(page, dict):
        raise InvalidRequest(FieldError("/page", "must be an object"))
    values = {name: page[name] for name in _FIELDS if page.get(name) is not None}
    wrong = [name for name, value in values.items() if not _is_name(value)]
    if wrong:
        problem = "must be at most 100 letters, digits, spaces and ._+-"
        raise InvalidRequest(*(FieldError(f"/page/{name}", problem) for name in wrong))
    return Scope(**values)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
