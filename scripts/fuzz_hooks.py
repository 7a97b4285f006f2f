"""What the OpenAPI document cannot say; schemathesis reads it through `SCHEMATHESIS_HOOKS`."""

from typing import Any

import schemathesis

from docchat.core.visible import visible

_NOT_A_QUESTION = ("assistant", "system", "developer")


@schemathesis.hook
def filter_case(_context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out what is well-formed but refused: no question at the end, invisible text alone."""
    return not isinstance(case.body, dict) or (
        _ends_with_a_question(case.body.get("messages")) and _can_be_seen(case.body)
    )


def _ends_with_a_question(messages: object) -> bool:
    last = messages[-1] if isinstance(messages, list) and messages else None
    return not (isinstance(last, dict) and last.get("role") in _NOT_A_QUESTION)


def _can_be_seen(value: object) -> bool:
    """Whether no text in the value has invisible characters alone."""
    if isinstance(value, str):
        return not value.strip() or bool(visible(value).strip())
    if isinstance(value, dict):
        return all(map(_can_be_seen, value.values()))
    return not isinstance(value, list) or all(map(_can_be_seen, value))
