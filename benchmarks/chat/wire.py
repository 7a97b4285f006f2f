"""As much of HTTP/1.1 as a stand-in server needs that must cost next to nothing."""

import asyncio
import re
from abc import abstractmethod

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class HttpConnection(asyncio.Protocol):
    """One client's connection; requests on it are answered one after the other."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._unread = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio's."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket's
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """As asyncio's: answers as soon as a request is there whole."""
        self._unread += data
        while (end := self._unread.find(_HEAD_END)) >= 0:
            start = end + len(_HEAD_END)
            given = _LENGTH.search(self._unread, 0, start)
            stop = start + (int(given[1]) if given else 0)
            if len(self._unread) < stop:
                return
            method, target, _ = bytes(self._unread[:end]).split(b" ", 2)
            body = bytes(self._unread[start:stop])
            del self._unread[:stop]
            self.answer(method.decode(), target.decode(), body)

    @abstractmethod
    def answer(self, method: str, target: str, body: bytes) -> None:
        """Write the reply to one request, now or soon."""


def reply(body: bytes, status: str = "200 OK") -> bytes:
    """A whole reply with a JSON body."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + _HEAD_END + body


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
STREAM_END = b"0\r\n\r\n"


def piece(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
