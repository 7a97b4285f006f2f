"""`GET /chat`: what a page may know before it asks."""

from starlette.responses import JSONResponse, Response

from docchat.web.app import Call, Endpoint
from docchat.web.chat import Chat
from docchat.web.requests import MAX_BODY_BYTES, MAX_HISTORY_TURNS, MAX_MESSAGE_CHARS

_LIMITS = {
    "message_characters": MAX_MESSAGE_CHARS,
    "history_turns": MAX_HISTORY_TURNS,
    "body_bytes": MAX_BODY_BYTES,
}


def public_configuration(chat: Chat) -> Endpoint:
    """The route's handler; it asks nothing of Gemini or the index."""

    async def get(call: Call) -> Response:
        del call
        return JSONResponse({**chat.public(), "limits": _LIMITS})

    return get
