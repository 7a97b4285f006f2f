"""What the OpenAPI document cannot say; schemathesis reads it through `SCHEMATHESIS_HOOKS`."""

from typing import Any

import schemathesis

from docchat.core.visible import visible
from docchat.web.requests import MAX_HISTORY_TURNS

_DROPPED = ("system", "developer")
_NOT_A_QUESTION = ("assistant", *_DROPPED)


@schemathesis.hook
def filter_case(_context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out what is well-formed but refused.

    No question at the end, too many turns besides those that are dropped, invisible text alone.
    """
    if not isinstance(case.body, dict):
        return True
    messages = case.body.get("messages")
    return _ends_with_a_question(messages) and _are_few(messages) and _can_be_seen(case.body)


def _ends_with_a_question(messages: object) -> bool:
    last = messages[-1] if isinstance(messages, list) and messages else None
    return not (isinstance(last, dict) and last.get("role") in _NOT_A_QUESTION)


def _are_few(messages: object) -> bool:
    kept = [one for one in messages if not _is_dropped(one)] if isinstance(messages, list) else []
    return len(kept) <= MAX_HISTORY_TURNS + 1


def _is_dropped(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") in _DROPPED


def _can_be_seen(value: object) -> bool:
    """Whether no text in the value has invisible characters alone."""
    if isinstance(value, str):
        return not value.strip() or bool(visible(value).strip())
    if isinstance(value, dict):
        return all(map(_can_be_seen, value.values()))
    return not isinstance(value, list) or all(map(_can_be_seen, value))
