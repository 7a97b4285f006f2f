"""HTTP by hand: the bytes of a request, and what a real server makes of them."""

import http.client
import json
import socket
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

ALLOWED = "https://lighthouse.example.com"
CANARY = "canary-5d1f"
"""Stands in every request; no response to a refused one and no log line may have it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response."""

    status: int
    headers: Message
    body: bytes

    def header(self, name: str) -> str:
        """The header's value; empty without it."""
        return str(self.headers.get(name, ""))


def request(
    method: str, target: str = "/chat", body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """A request from an allowed page, on a connection of its own; `headers` replace ours."""
    fields = {"host": "docchat", "origin": ALLOWED, "connection": "close", "x-canary": CANARY}
    if body:
        fields |= {"content-type": "application/json", "content-length": str(len(body))}
    fields |= headers or {}
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items() if v)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def post(body: object, headers: dict[str, str] | None = None, target: str = "/chat") -> bytes:
    """A question; anything but bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request("POST", target, raw, headers)


def chunked(body: bytes) -> bytes:
    """A question whose length nobody declares."""
    head = request(
        "POST",
        headers={"content-type": "application/json", "transfer-encoding": "chunked"},
    )
    pieces = [body[i : i + 8192] for i in range(0, len(body), 8192)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def connect(url: str, *, timeout_s: float = 20.0) -> socket.socket:
    """A connection to the server at this URL."""
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout_s)


def exchange(url: str, raw: bytes) -> Answer:
    """What the server answers to these bytes."""
    with connect(url) as connection:
        connection.sendall(raw)
        return receive(connection, raw.partition(b" ")[0].decode())


def receive(connection: socket.socket, method: str = "POST") -> Answer:
    """The next response on this connection."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, response.headers, response.read())
