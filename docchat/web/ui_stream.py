"""An answer as Server-Sent Events in the Vercel AI SDK's UI message stream, version 1.

The JSON is all ASCII: clients that split lines at U+2028 read it, and half a surrogate pair from
the model does no harm.

The SDK ends a stream at a part of a type it does not know, so what is ours travels in
`providerMetadata` and `messageMetadata`.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator

from docchat.core.models import Event, Finish, Source, Sources, TextDelta
from docchat.errors import DocchatError
from docchat.web.streaming import StreamFormat

_TEXT_ID = "0"
_DONE = "data: [DONE]\n\n"


async def encode(events: AsyncIterator[Event], answer_id: str) -> AsyncGenerator[str]:
    """The stream of a whole answer, as much of it at a time as an event brings.

    It ends in a `finish` part. An error on the way is the caller's to report, with `encode_error`.
    """
    opening, text_open = _part("start", messageId=answer_id), False
    async for event in events:
        match event:
            case Sources():
                yield opening + "".join(map(_source, event.sources))
            case TextDelta():
                if not text_open:
                    text_open = True
                    opening += _part("text-start", id=_TEXT_ID)
                yield opening + _part("text-delta", id=_TEXT_ID, delta=event.text)
            case Finish():
                closing = _part("text-end", id=_TEXT_ID) if text_open else ""
                yield opening + closing + _part("finish", messageMetadata=_metadata(event)) + _DONE
                return
        opening = ""


def encode_error(error: DocchatError, request_id: str) -> str:
    """The other way for a stream to end."""
    public = {
        "type": f"urn:docchat:problem:{error.slug}",
        "detail": error.detail,
        "request_id": request_id,
    }
    return _part("error", errorText=json.dumps(public)) + _DONE


FORMAT = StreamFormat(encode, encode_error, {"x-vercel-ai-ui-message-stream": "v1"})


def _metadata(finish: Finish) -> dict[str, str]:
    return {"outcome": finish.outcome, "finish": finish.reason}


def _source(source: Source) -> str:
    return _part(
        "source-url",
        sourceId=str(source.n),
        url=source.url,
        title=source.title,
        providerMetadata={"docchat": {"n": source.n, "snippet": source.snippet}},
    )


def _part(kind: str, **fields: object) -> str:
    return f"data: {json.dumps({'type': kind, **fields})}\n\n"
