"""A Gemini that remembers its prompts and can break off in the middle of an answer."""

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulators.gemini import create_app

PIECES_BEFORE_THE_BREAK = 6


class Upstream:
    """The emulator as an ASGI application, with an ear and a fault.

    Attributes:
        prompts: the bodies of the requests for a streamed answer, in their order.
        to_break: how many of the next streamed answers break off.
        stats: what the emulator counts.
    """

    def __init__(self, *, delay_s: float) -> None:
        emulator = create_app(delay_s=delay_s)
        self.prompts: list[dict[str, Any]] = []
        self.to_break = 0
        self.stats = emulator.state.stats
        self._emulator: ASGIApp = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith(":streamGenerateContent"):
            receive = self._hear(receive)
            if self.to_break:
                self.to_break -= 1
                send = _breaking(send)
        await self._emulator(scope, receive, send)

    def _hear(self, receive: Receive) -> Receive:
        body = bytearray()

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.extend(message["body"])
                if not message["more_body"]:
                    self.prompts.append(json.loads(body))
            return message

        return heard


def _breaking(send: Send) -> Send:
    """Loses what comes late; uvicorn hangs up on a response that its application left open."""
    pieces = 0

    async def sent(message: Message) -> None:
        nonlocal pieces
        pieces += message["type"] == "http.response.body"
        if pieces <= PIECES_BEFORE_THE_BREAK:
            await send(message)

    return sent
