"""Faults on demand, the same way for every emulator: which call fails, and how.

In the process: `app.state.faults.add("getThing", Fault(status=503, body=…), times=2)`. From another
one: `POST /_emulator/faults {"method": "getThing", "fault": {"status": 503}, "times": 2}`; `GET`
shows what is planned and what was called, `DELETE` forgets the plan.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulators.plan import Plan

ROUTE = "/_emulator/faults"
_REMEMBERED = 10_000


class Fault(BaseModel):
    """What goes wrong in one call.

    Attributes:
        status: answered in place of the emulator's own reply; None leaves the reply to it.
        body: sent with the status; text as it is, anything else as JSON.
        headers: sent with the status.
        delay_s: seconds before the first byte.
        pause_s: seconds before each further piece of the reply's body.
        pause_from: pieces that come without a pause; with a long one, the reply stalls there.
        name: a fault that only this method of this emulator can do; it finds it with `named`.
        args: what the named fault needs to know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int | None = None
    body: Any = None
    headers: dict[str, str] = {}
    delay_s: float = Field(default=0.0, ge=0)
    pause_s: float = Field(default=0.0, ge=0)
    pause_from: int = Field(default=0, ge=0)
    name: str = ""
    args: dict[str, Any] = {}


class _Planned(BaseModel):
    """A fault as it comes over HTTP: as `Plan.add` takes it."""

    model_config = ConfigDict(extra="forbid")

    method: str
    fault: Fault
    after: int = 0
    times: int | None = None
    probability: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: `url` with its query, header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]


class Faults(Plan[Fault]):
    """The plan of one emulator, and what was asked of it.

    Attributes:
        calls: how often each method was called.
        received: bytes of the requests' bodies, by method.
        sent: bytes of the replies' bodies, by method.
        requests: the last 10,000 calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.requests: deque[Call] = deque(maxlen=_REMEMBERED)

    def places_of(self, text: str) -> set[str]:
        """Where a text, such as a key, came in: `url`, or the names of headers."""
        return {
            place
            for call in list(self.requests)
            for place, value in {**call.headers, "url": unquote(call.url)}.items()
            if text in value
        }


def named(request: Request, name: str) -> Mapping[str, Any] | None:
    """The arguments of this call's fault if it is the one of that name."""
    fault: Fault | None = request.scope.get("state", {}).get("fault")
    return fault.args if fault is not None and fault.name == name else None


@dataclass(slots=True)
class Faulty:
    """The middleware: counts calls, makes the planned ones fail, serves `ROUTE`.

    Args:
        app: the emulator.
        faults: its plan.
        method_of: a request's method by the API's own name; empty if it is none, and let through.
    """

    app: ASGIApp
    faults: Faults
    method_of: Callable[[Scope], str] = field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is to fail here."""
        if scope["type"] == "http" and scope["path"] == ROUTE:
            await (await self._control(Request(scope, receive)))(scope, receive, send)
            return
        method = self.method_of(scope) if scope["type"] == "http" else ""
        if not method:
            await self.app(scope, receive, send)
            return
        fault, send = self._noted(scope, method), self._counted(method, send)
        if fault is None:
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["fault"] = fault
        app = self.app if fault.status is None else _reply(fault.status, fault)
        await app(scope, receive, _slowed(send, fault))

    def _noted(self, scope: Scope, method: str) -> Fault | None:
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        url = f"{scope['path']}?{scope.get('query_string', b'').decode('latin-1')}"
        self.faults.calls[method] += 1
        self.faults.received[method] += int(headers.get("content-length", 0))
        self.faults.requests.append(Call(method, url, headers))
        return self.faults.take(method)

    def _counted(self, method: str, send: Send) -> Send:
        async def counted(message: Message) -> None:
            self.faults.sent[method] += len(message.get("body", b""))
            await send(message)

        return counted

    async def _control(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                planned = _Planned.model_validate_json(await request.body())
            except ValidationError as exc:
                return JSONResponse(json.loads(exc.json()), HTTPStatus.UNPROCESSABLE_ENTITY)
            rule = planned.model_dump(exclude={"method", "fault"})
            self.faults.add(planned.method, planned.fault, **rule)
        seen = {name: getattr(self.faults, name) for name in ("calls", "received", "sent")}
        return JSONResponse({"pending": self.faults.pending(), **seen})


def _reply(status: int, fault: Fault) -> Response:
    if isinstance(fault.body, str):
        kind = "text/html; charset=utf-8"
        return Response(fault.body, status, {"content-type": kind, **fault.headers})
    return JSONResponse(fault.body, status, fault.headers)


def _slowed(send: Send, fault: Fault) -> Send:
    pieces = 0

    async def slow(message: Message) -> None:
        nonlocal pieces
        if message["type"] == "http.response.start":
            await asyncio.sleep(fault.delay_s)
        elif message.get("body"):
            await asyncio.sleep(fault.pause_s if pieces >= max(1, fault.pause_from) else 0)
            pieces += 1
        await send(message)

    return slow
