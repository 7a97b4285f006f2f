"""An answer as one JSON object."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from docchat.core.models import Event, Finish, Outcome, Source, Sources, TextDelta


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
        "sources": [asdict(source) for source in sources],
        "outcome": outcome,
    }
