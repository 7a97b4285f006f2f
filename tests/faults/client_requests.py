"""Client faults that are one request: C1-C14, C17-C26."""

import codecs
import gzip
import json

from tests.faults.rows import Row, accepted, platform, refused, unreadable
from tests.faults.wire import CANARY, chunked, post, request

_QUESTION = {"query": f"How do I create a new signing key, {CANARY}?"}
_USER = {"role": "user", "content": _QUESTION["query"]}
_WHOLE = json.dumps(_QUESTION).encode()
_PREFLIGHT = {"access-control-request-method": "POST"}


def _malformed(id_: str, what: str, body: bytes) -> Row:
    return refused(id_, what, post(body), "malformed-json", 400)


def _invalid(id_: str, what: str, body: object) -> Row:
    return refused(id_, what, post(body), "invalid-request", 422)


def _turns(*messages: object) -> dict[str, object]:
    return {"messages": list(messages)}


def _nested(levels: int) -> bytes:
    """An object with arrays in it, this many levels in all."""
    inner = "[" * (levels - 1) + "]" * (levels - 1)
    return f'{{"query": "hello {CANARY}", "x": {inner}}}'.encode()


BODIES = [
    _malformed("C1", "bad JSON", b'{"query": "' + CANARY.encode()),
    _malformed("C2", "invalid UTF-8", b'{"query": "' + CANARY.encode() + b'\xff\xfe"}'),
    _malformed("C2", "byte order mark", codecs.BOM_UTF8 + _WHOLE),
    _malformed("C2", "UTF-16", json.dumps(_QUESTION).encode("utf-16")),
    _malformed("C3", "NaN", b'{"query": "hello", "x": NaN}'),
    _malformed("C3", "Infinity", b'{"query": "hello", "x": -Infinity}'),
    _malformed("C4", "duplicate names", b'{"query": "hello", "query": "hello again"}'),
    _malformed("C5", "17 levels", _nested(17)),
    _malformed("C5", "30,000 levels", _nested(30_000)),
    accepted("C5", "16 levels", post(_nested(16))),
    _malformed("C6", "trailing bytes", _WHOLE + b"{}"),
    refused(
        "C7", "empty body", post(b"", {"content-type": "application/json"}), "malformed-json", 400
    ),
    refused(
        "C8",
        "text/plain",
        post(_QUESTION, {"content-type": "text/plain"}),
        "unsupported-media-type",
        415,
    ),
    refused(
        "C8",
        "no content type",
        post(_QUESTION, {"content-type": ""}),
        "unsupported-media-type",
        415,
    ),
    accepted(
        "C8",
        "content type with charset",
        post(_QUESTION, {"content-type": "Application/JSON; charset=utf-8"}),
    ),
    refused(
        "C9",
        "gzip",
        post(gzip.compress(_WHOLE), {"content-encoding": "gzip"}),
        "unsupported-media-type",
        415,
    ),
    refused(
        "C10",
        "declared length over 64 KiB, nothing sent",
        request("POST", headers={"content-type": "application/json", "content-length": "65537"}),
        "body-too-large",
        413,
    ),
    refused("C10", "64 KiB exceeded in chunks", chunked(b" " * 80_000), "body-too-large", 413),
    _invalid("C11", "a query that is a number", {"query": 7}),
    _invalid("C11", "messages that are text", {"messages": CANARY}),
    _invalid("C11", "a message that is text", _turns(CANARY)),
    _invalid("C11", "role system", _turns({"role": "system", "content": CANARY}, _USER)),
    _invalid("C11", "a role that is an object", _turns({"role": {}, "content": CANARY}, _USER)),
    _invalid("C11", "content that is a number", _turns({"role": "user", "content": 7})),
    _invalid("C11", "parts without text", _turns({"role": "user", "parts": [{"type": "text"}]})),
    _invalid(
        "C11",
        "the last turn is the assistant's",
        _turns(_USER, {"role": "assistant", "content": CANARY}),
    ),
    accepted("C11", "unknown fields are ignored", post({**_QUESTION, "trigger": CANARY})),
    _invalid("C12", "4,001 characters", {"query": "x" * 4001}),
    _invalid("C13", "21 turns of history", _turns(*[_USER] * 22)),
    refused("C13", "10,000 turns", post(_turns(*[_USER] * 10_000)), "body-too-large", 413),
    _invalid("C14", "a lone surrogate", b'{"query": "' + CANARY.encode() + b' \\ud800"}'),
    _invalid("C14", "invisible characters alone", {"query": "\u200b\u202e\U000e0041"}),
    accepted(
        "C14",
        "controls, bidi, zero-width and tags in a question",
        post({"query": "How \x00do\x1b \x85I\u202e create\u200b a new key\U000e0041?"}),
    ),
]

ORIGINS = [
    unreadable(
        "C17", "an origin that is not listed", post(_QUESTION, {"origin": "https://evil.example"})
    ),
    unreadable(
        "C17",
        "its preflight",
        request("OPTIONS", headers={**_PREFLIGHT, "origin": "https://evil.example"}),
    ),
    unreadable("C17", "origin null", post(_QUESTION, {"origin": "null"})),
    accepted("C18", "preflight", request("OPTIONS", headers=_PREFLIGHT), status=204),
]

ROUTES = [
    accepted("C19", "HEAD /chat", request("HEAD")),
    accepted("C20", "GET /chat is the widget's configuration", request("GET")),
    *(
        refused("C20", f"{method} /chat", request(method), "method-not-allowed", 405)
        for method in ("PUT", "DELETE", "PATCH")
    ),
    *(
        platform(
            "C21",
            f"{method} /chat",
            request(method),
            405,
            "the framework's router takes seven methods and refuses others itself, as text",
        )
        for method in ("TRACE", "FOO")
    ),
    refused("C22", "an unknown path", request("GET", f"/{CANARY}"), "not-found", 404),
    *(
        platform(
            "C22",
            path,
            request("GET", path),
            404,
            "the framework answers these two paths itself, as text",
        )
        for path in ("/robots.txt", "/favicon.ico")
    ),
    *(
        refused("C23", path, request("POST", path + CANARY), "not-found", 404)
        for path in ("//evil.example/", "/../../etc/", "/%00", "/chat/..%2f", "/chat;")
    ),
    platform(
        "C23",
        "a line end in the path",
        request("POST", "/chat%0d%0aX:"),
        404,
        "no route of the framework matches a line end; it answers itself, as text",
    ),
    platform(
        "C24",
        "two lengths",
        request(
            "POST", body=_WHOLE, headers={"content-length": f"{len(_WHOLE)}\r\ncontent-length: 3"}
        ),
        400,
        "uvicorn refuses them",
    ),
    platform(
        "C24",
        "a length and chunks",
        chunked(_WHOLE).replace(b"\r\n\r\n", b"\r\ncontent-length: 3\r\n\r\n", 1),
        200,
        "uvicorn lets the chunks win, as RFC 9112 has it; the connection serves no second request",
    ),
    refused(
        "C25",
        "a query string of 100 KB",
        request("POST", f"/chat?{'x' * 100_000}"),
        "uri-too-long",
        414,
    ),
    platform(
        "C26",
        "a header of 64 KB",
        request("GET", headers={"x-long": "x" * 65_536}),
        200,
        "uvicorn has no limit of its own; the load balancer does",
    ),
]

REQUESTS = [*BODIES, *ORIGINS, *ROUTES]
