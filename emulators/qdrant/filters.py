"""The client's filters as the engine's."""

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from emulators.qdrant.refusal import only, unsupported

_MATCHES: "dict[type, Callable[[Any], edge.MatchType]]" = {
    models.MatchValue: lambda match: edge.MatchValue(match.value),
    models.MatchAny: lambda match: edge.MatchAny(match.any),
    models.MatchExcept: lambda match: edge.MatchExcept(match.except_),
    models.MatchText: lambda match: edge.MatchText(match.text),
}


def engine_filter(condition: models.Filter | None) -> edge.Filter | None:
    """A filter with all its branches."""
    if condition is None:
        return None
    only(condition, "must should must_not")
    return edge.Filter(
        must=_branch(condition.must),
        should=_branch(condition.should),
        must_not=_branch(condition.must_not),
    )


def _branch(conditions: object) -> "list[edge.ConditionType] | None":
    if conditions is None:
        return None
    return [_condition(c) for c in (conditions if isinstance(conditions, list) else [conditions])]


def _condition(condition: object) -> "edge.ConditionType":
    match condition:
        case models.Filter():
            return engine_filter(condition) or edge.Filter()
        case models.FieldCondition():
            return _field(condition)
        case models.HasIdCondition(has_id=ids):
            return edge.HasIdCondition(set(ids))
        case models.HasVectorCondition(has_vector=name):
            return edge.HasVectorCondition(name)
        case models.IsEmptyCondition(is_empty=field):
            return edge.IsEmptyCondition(field.key)
        case models.IsNullCondition(is_null=field):
            return edge.IsNullCondition(field.key)
    raise unsupported(f"the condition {type(condition).__name__}")


def _field(condition: models.FieldCondition) -> edge.FieldCondition:
    only(condition, "key match range is_empty is_null")
    return edge.FieldCondition(
        condition.key,
        match=_match(condition.match),
        range=_range(condition.range),
        is_empty=condition.is_empty,
        is_null=condition.is_null,
    )


def _match(match: models.Match | None) -> "edge.MatchType | None":
    if match is None:
        return None
    if type(match) not in _MATCHES:
        raise unsupported(f"the match {type(match).__name__}")
    return _MATCHES[type(match)](match)


def _range(bounds: models.RangeInterface | None) -> "edge.RangeType | None":
    if isinstance(bounds, models.DatetimeRange):
        raise unsupported("DatetimeRange")
    if bounds is None:
        return None
    return edge.RangeFloat(gte=bounds.gte, gt=bounds.gt, lte=bounds.lte, lt=bounds.lt)
