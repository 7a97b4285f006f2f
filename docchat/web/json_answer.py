"""An answer as one JSON object."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.responses import Response

from docchat.core.models import (
    Event,
    Finish,
    FinishReason,
    Outcome,
    Source,
    Sources,
    TextDelta,
    Usage,
)
from docchat.errors import ContentFiltered

_UNFINISHED = Finish(Outcome.PARTIAL, Usage())
_WITHHELD = Finish(Outcome.REFUSED, Usage(), FinishReason.BLOCKED)


def public(source: Source) -> dict[str, Any]:
    """A source as a visitor sees it."""
    fields = asdict(source)
    del fields["chunk_id"]
    return fields


def ascii_json(body: dict[str, Any]) -> Response:
    """A JSON response; all ASCII, so that half a surrogate pair from the model does no harm."""
    return Response(json.dumps(body), media_type="application/json")


@dataclass(slots=True)
class Whole:
    """An answer from its first event to its last."""

    text: str = ""
    sources: list[Source] = field(default_factory=list)
    finish: Finish = _UNFINISHED


async def collect(events: AsyncIterator[Event]) -> Whole:
    """Wait for the whole answer; one that was stopped for safety is withheld altogether.

    Other errors on the way are the caller's to report.
    """
    whole = Whole()
    try:
        async for event in events:
            match event:
                case TextDelta():
                    whole.text += event.text
                case Sources():
                    whole.sources += event.sources
                case Finish():
                    whole.finish = event
    except ContentFiltered as filtered:
        return Whole(filtered.detail, finish=_WITHHELD)
    return whole


async def encode(events: AsyncIterator[Event], answer_id: str) -> dict[str, Any]:
    """The whole answer as the body of a response."""
    whole = await collect(events)
    return {
        "id": answer_id,
        "response": whole.text,
        "sources": [public(source) for source in whole.sources],
        "outcome": whole.finish.outcome,
    }
