"""The two tools: search the docs, ask the docs."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Protocol

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from docchat.core.models import Passage, Question, Trace
from docchat.errors import DocchatError, FieldError, InvalidRequest
from docchat.web.app import Call
from docchat.web.chat import Chat, open_answer
from docchat.web.json_answer import collect
from docchat.web.mcp.forms import ASK, DEFAULT_LIMIT, MAX_LIMIT, SEARCH, Answer, Found, described
from docchat.web.requests import question_text
from docchat.web.scope import parse_scope


class Search(Chat, Protocol):
    """A chat that also gives the passages themselves."""

    async def passages(
        self, question: Question, trace: Trace, *, waited_s: float
    ) -> Sequence[Passage]:
        """The best passages; none when the docs do not cover the question."""
        ...


class DocsTools:
    """What one request may call. A failure is the tool's error: one sentence, nothing of ours."""

    def __init__(self, search: Search, call: Call) -> None:
        self._search = search
        self._call = call

    async def list_tools(
        self, context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """Both, described for this site; they are the same for everybody."""
        site = str(self._search.public()["title"])
        tools = [described(SEARCH, site), described(ASK, site)]
        return ListToolsResult(tools=tools, cache_scope="public")

    async def call_tool(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        """One call's result; raises `MCPError` for a tool that there is not."""
        if params.name not in {SEARCH.name, ASK.name}:
            raise MCPError(INVALID_PARAMS, "There are two tools: search_docs and ask_docs.")
        self._call.log["tool"] = params.name
        called = self._search_docs if params.name == SEARCH.name else self._ask_docs
        try:
            found: Found | Answer = await called(params.arguments or {})
        except Exception as exc:  # noqa: BLE001 - the SDK would quote it; ours says what it may
            return _failed(self._call.fail(exc))
        text = TextContent(type="text", text=found.readable())
        return CallToolResult(content=[text], structured_content=found.model_dump(mode="json"))

    async def _search_docs(self, arguments: dict[str, Any]) -> Found:
        question = _question(arguments, "query")
        limit = _limit(arguments)
        trace = Trace()
        try:
            with self._search.door.slots.slot():
                best = await self._search.passages(question, trace, waited_s=self._call.age_s)
        finally:
            self._search.note(self._call, question, trace)
        return Found.of(best[:limit])

    async def _ask_docs(self, arguments: dict[str, Any]) -> Answer:
        events = open_answer(self._search, _question(arguments, "question"), self._call)
        async with aclosing(events):
            return Answer.of(await collect(events))


def _question(arguments: dict[str, Any], name: str) -> Question:
    """Within the limits of `/chat`."""
    if name not in arguments:
        raise InvalidRequest(FieldError(f"/{name}", "is required"))
    text = question_text(arguments[name], f"/{name}")
    if not text:
        raise InvalidRequest(FieldError(f"/{name}", "must not be empty"))
    return Question(text, scope=parse_scope({"page": arguments}))


def _limit(arguments: dict[str, Any]) -> int:
    limit = arguments.get("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if type(limit) is not int or not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(FieldError("/limit", f"must be from 1 to {MAX_LIMIT}"))
    return limit


def _failed(error: DocchatError) -> CallToolResult:
    sentence = error.detail
    if isinstance(error, InvalidRequest):  # an argument's name, not a pointer into a page
        first = error.errors[0]
        sentence = f"{first.pointer.rpartition('/')[2]} {first.reason}."
    return CallToolResult(content=[TextContent(type="text", text=sentence)], is_error=True)
