"""Gemini and Qdrant as one process that answers from memory.

    python -m benchmarks.chat.upstream --qdrant http://127.0.0.1:6333

It must cost so little that only the servers in front of it are measured. Gemini's replies are
always the same: a vector, and an answer in twenty pieces, of which POST /pace says when they come.
Qdrant's are those that the server behind it gave to the first request of their kind.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.chat.load import QUESTION
from benchmarks.chat.wire import STREAM_END, STREAM_HEAD, HttpConnection, piece, reply
from emulators.gemini.chunks import chunks_of
from emulators.gemini.embedding import embed

DIMENSION = 768

# Twenty pieces of four words, as a model streams them.
_SAID = """\
When the passages do not answer, the assistant says so instead of guessing [1]. It names the pages \
that come nearest, each with a link to the section [1][2]. What it was asked and how it ended \
stands in the log, so that the report can show which pages are missing [2]. A question about \
something else is turned down in the same way, and costs next to nothing. The site decides how \
near a passage has to be."""

_LIMIT = re.compile(rb'"limit":\s*(\d+)')
_MODEL = {
    "name": "models/gemini-3.8-flash",
    "inputTokenLimit": 1048576,
    "outputTokenLimit": 65536,
    "supportedGenerationMethods": ["generateContent", "embedContent"],
}


@dataclass
class Pace:
    """Seconds until an answer's first piece, and between two of them."""

    first_s: float = 0.0
    gap_s: float = 0.0


@dataclass
class Canned:
    """What is answered.

    Attributes:
        qdrant: the server behind, for what was not asked before.
        pace: of the answers.
        recorded: the replies of that server, by what makes them differ.
    """

    qdrant: str
    pace: Pace = field(default_factory=Pace)
    recorded: dict[tuple[str, str, tuple[bytes, ...]], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = [round(value, 7) for value in embed(QUESTION, DIMENSION)]
        self._vector = json.dumps({"values": values}).encode()
        self.model = reply(json.dumps(_MODEL).encode())
        self.one = reply(b'{"embedding":' + self._vector + b"}")
        self.pieces = [piece(event) for event in _events()]

    def embeddings(self, count: int) -> bytes:
        """The reply to a batch of so many texts."""
        return reply(b'{"embeddings":[' + b",".join([self._vector] * count) + b"]}")

    async def from_qdrant(self, method: str, target: str, body: bytes) -> bytes:
        """The recorded reply to such a request; asked for the first time.

        A search's vector and words do not make it another request: every search costs the same.
        """
        kind = (method, target, tuple(_LIMIT.findall(body)))
        if kind not in self.recorded:
            self.recorded[kind] = await _asked(self.qdrant, method, target, body)
        return self.recorded[kind]


class _Answering(HttpConnection):
    def __init__(self, canned: Canned) -> None:
        super().__init__()
        self._canned = canned

    def answer(self, method: str, target: str, body: bytes) -> None:
        canned, write = self._canned, self.transport.write
        if ":streamGenerateContent" in target:
            self._stream()
        elif ":batchEmbedContents" in target:
            write(canned.embeddings(body.count(b'"content"')))
        elif ":embedContent" in target:
            write(canned.one)
        elif "/models/" in target:
            write(canned.model)
        elif target == "/pace":
            canned.pace = Pace(**json.loads(body))
            write(reply(b"{}"))
        else:
            self._relay(method, target, body)

    def _stream(self) -> None:
        pieces, pace = self._canned.pieces, self._canned.pace
        sent = [STREAM_HEAD + pieces[0], *pieces[1:-1], pieces[-1] + STREAM_END]
        if pace.first_s or pace.gap_s:
            asyncio.get_running_loop().call_later(pace.first_s, self._next, iter(sent), pace.gap_s)
        else:
            for one in sent:  # each for itself: so they come from Gemini
                self.transport.write(one)

    def _next(self, left: Iterator[bytes], gap_s: float) -> None:
        one = next(left, b"")
        if one and not self.transport.is_closing():
            self.transport.write(one)
            asyncio.get_running_loop().call_later(gap_s, self._next, left, gap_s)

    def _relay(self, method: str, target: str, body: bytes) -> None:
        found = asyncio.ensure_future(self._canned.from_qdrant(method, target, body))
        found.add_done_callback(lambda done: self.transport.write(done.result()))


def said() -> list[str]:
    """The answer's pieces."""
    words = re.findall(r"\S+\s*", _SAID)
    return ["".join(words[start : start + 4]) for start in range(0, len(words), 4)]


def _events() -> Sequence[bytes]:
    chunks = chunks_of("gemini-3.8-flash", 2000, said(), "STOP")
    return [b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks]


async def _asked(server: str, method: str, target: str, body: bytes) -> bytes:
    """A reply of the server behind, whole; its body has a length."""
    where = urlsplit(server)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = f"{method} {target} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n"
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write((head + kind).encode() + body)
    head_read, _, answered = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    _, status = head_read.partition(b"\r\n")[0].decode().split(" ", 1)
    return reply(answered, status)


async def serve(qdrant: str, port: int = 0) -> None:
    """Answer until cancelled, after printing where."""
    canned = Canned(qdrant)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(canned), "127.0.0.1", port, backlog=2048)
    address = server.sockets[0].getsockname()
    print(f"canned Gemini and Qdrant: http://127.0.0.1:{address[1]}", flush=True)  # noqa: T201
    await server.serve_forever()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat.upstream")
    parser.add_argument("--qdrant", required=True, help="the server whose replies are recorded")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    options = parser.parse_args()
    asyncio.run(serve(options.qdrant, options.port))


if __name__ == "__main__":
    main()
