"""How a stream ended."""

import json
from typing import Any


def parts(text: str) -> list[dict[str, Any]]:
    """The stream's parts; raises when the stream is not one that ended once and for all."""
    events = [event for event in text.split("\n\n") if event]
    assert events.count("data: [DONE]") == 1
    assert events[-1] == "data: [DONE]"
    found = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    ends = [part["type"] for part in found if part["type"] in {"finish", "error"}]
    assert len(ends) == 1
    assert found[-1]["type"] == ends[0]
    return found


def ending(text: str) -> str:
    """`finish`, or the type of the problem with which the stream ended."""
    last = parts(text)[-1]
    if last["type"] == "finish":
        return "finish"
    slug: str = json.loads(last["errorText"])["type"].removeprefix("urn:docchat:problem:")
    return slug
