"""Says of each JSON line whether it is what `chatkit.types` calls it; runs where the SDK is.

A line in: `[name, value]`, where the name is a type of `chatkit.types`. A line out: what is wrong,
or nothing.
"""

import json
import sys

from chatkit import types
from pydantic import TypeAdapter, ValidationError

_ADAPTERS = {
    "event": TypeAdapter(types.ThreadStreamEvent),
    "thread": TypeAdapter(types.Thread),
    "threads": TypeAdapter(types.Page[types.Thread]),
    "items": TypeAdapter(types.Page[types.ThreadItem]),
}


def fault(name: str, value: object) -> str:
    """What is wrong: a value must be of its type, and have no member that the type has not."""
    adapter = _ADAPTERS[name]
    try:
        parsed = adapter.validate_python(value)
    except ValidationError as exc:
        return repr(exc)
    back = adapter.dump_python(parsed, mode="json", by_alias=True, exclude_none=True)
    return "" if back == value else f"{value} reads as {back}"


for line in sys.stdin:
    print(json.dumps(fault(*json.loads(line))), flush=True)  # noqa: T201 - the reply
