"""An answer as one JSON object."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from docchat.core.models import Event, Finish, Outcome, Source, Sources, TextDelta


def public(source: Source) -> dict[str, Any]:
    """A source as a visitor sees it."""
    fields = asdict(source)
    del fields["chunk_id"]
    return fields


def ascii_json(body: dict[str, Any]) -> Response:
    """A JSON response; all ASCII, so that half a surrogate pair from the model does no harm."""
    return Response(json.dumps(body), media_type="application/json")


async def encode(events: AsyncIterator[Event], answer_id: str) -> dict[str, Any]:
    """Wait for the whole answer; errors on the way are the caller's to report."""
    text: list[str] = []
    sources: list[Source] = []
    outcome = Outcome.PARTIAL
    async for event in events:
        match event:
            case TextDelta():
                text.append(event.text)
            case Sources():
                sources.extend(event.sources)
            case Finish():
                outcome = event.outcome
    return {
        "id": answer_id,
        "response": "".join(text),
        "sources": [public(source) for source in sources],
        "outcome": outcome,
    }
