"""The chat in this process, as the function serves it, and the log that it writes."""

import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from docchat.core.prompt import NOT_IN_DOCS
from docchat.logs import LOGGER, JsonFormatter
from docchat.runtime import Runtime
from docchat.service import ChatService
from emulators.faults import Faults
from emulators.gemini.script import generation
from scripts.trials.visits import Visit

_MODEL = "streamGenerateContent"


class Export(logging.Handler):
    """Writes docchat's lines as Cloud Logging exports them.

    Attributes:
        at: the time of the next lines.
    """

    def __init__(self, file: TextIO) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._file = file
        self.at: datetime | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """One `LogEntry` a line."""
        payload = json.loads(self.format(record))
        entry = {"timestamp": self.at and self.at.isoformat(), "jsonPayload": payload}
        self._file.write(json.dumps(entry) + "\n")


@contextmanager
def exported(file: Path) -> Iterator[Export]:
    """The log goes to the file, and nowhere else, for the length of the block."""
    before = LOGGER.handlers, LOGGER.level, LOGGER.propagate
    with file.open("w", encoding="utf-8") as lines:
        export = Export(lines)
        LOGGER.handlers, LOGGER.propagate = [export], False
        LOGGER.setLevel(logging.INFO)
        try:
            yield export
        finally:
            LOGGER.handlers, LOGGER.propagate = before[0], before[2]
            LOGGER.setLevel(before[1])


async def ask_all(visits: Sequence[Visit], faults: Faults, export: Export) -> dict[str, str]:
    """Ask every question, one after the other, through the chat's routes.

    Returns:
        The label of each answer's id.
    """
    labels = {}
    async with _client() as client:
        for visit in visits:
            export.at = visit.at
            if visit.planted:
                faults.add(_MODEL, generation(say=(NOT_IN_DOCS,)), times=1)
            reply = await client.post("/chat", json={"query": visit.question})
            faults.clear()
            answer_id = reply.headers["x-request-id"]
            labels[answer_id] = visit.label
            if visit.thumb:
                thumb = {"id": answer_id, "thumb": visit.thumb, "reason": visit.reason}
                (await client.post("/feedback", json=thumb)).raise_for_status()
    return labels


@asynccontextmanager
async def _client() -> AsyncIterator[httpx.AsyncClient]:
    runtime = Runtime()
    service = ChatService(runtime)

    async def handler(request: Request) -> Response:
        return await service.respond(request)

    app = Starlette(routes=[Route("/{path:path}", handler, methods=["GET", "POST"])])
    transport = httpx.ASGITransport(app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.local") as client:
            yield client
    finally:
        await runtime.aclose()
