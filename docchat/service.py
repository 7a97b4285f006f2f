"""The chat as the web sees it: the flow, its clients, the limits and the log, put together."""

import functools
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from docchat import logs
from docchat.answering import Policy, answer, retrieve
from docchat.clients import Clients
from docchat.core.hosts import host_of
from docchat.core.models import Event, Passage, Question, Trace
from docchat.core.wording import Wording, wording_for
from docchat.deadlines import TimeLimits
from docchat.drain import DRAIN
from docchat.errors import Misconfigured, SwitchedOff
from docchat.limits import RateLimiter, StreamSlots, TokenBudget, share
from docchat.optional_routes import OptionalRoute
from docchat.repeats import Repeats
from docchat.retries import RetryBudget
from docchat.runtime import Runtime
from docchat.setting_types import ChatKitStore, ChatMode, Switch
from docchat.settings import Settings
from docchat.turns import Turns
from docchat.upstream import Upstream
from docchat.web.app import Call, Endpoint, Routes, respond
from docchat.web.chat import endpoint
from docchat.web.door import Door, guarded, guarded_answer, keyed
from docchat.web.feedback import feedback
from docchat.web.openai_chat import completions, models
from docchat.web.site import public_configuration

if TYPE_CHECKING:
    from docchat.providers.qdrant_threads import OwnersThreads

_MCP_OFF = "MCP is switched off here. The page about agents says how to switch it on."
_CHATKIT_OFF = "ChatKit is switched off here. The page about ChatKit says how to switch it on."


class ChatService:
    """One process's chat. Nothing is read or built before the first request."""

    drain = DRAIN

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._retries = RetryBudget()
        self._turns = Turns()

    @functools.cached_property
    def door(self) -> Door:
        """The limits at the entrance."""
        settings = self._settings
        return Door(
            RateLimiter(settings.rate_limit_per_minute, settings.rate_limit_burst),
            StreamSlots(settings.max_streams),
            settings.forwarded_for_entry,
        )

    async def respond(self, request: Request) -> Response:
        """Serve one request."""
        logs.configure()
        return await respond(request, self.routes, lambda: self._runtime.allowed_origins)

    @functools.cached_property
    def routes(self) -> Routes:
        """Path → method → endpoint."""
        ask = guarded_answer(endpoint(self), self)
        show = public_configuration(self)
        chat = {"GET": show, "HEAD": show, "POST": ask}
        key = self._runtime.caller_key
        return {
            "/chat": chat,
            "/": chat,
            "/chatkit": {"POST": guarded(self._chatkit, self)},
            "/feedback": {"POST": guarded(feedback, self)},
            "/mcp": {"POST": guarded(self._mcp, self)},
            "/v1/chat/completions": {"POST": keyed(guarded_answer(completions(self), self), key)},
            "/v1/models": {"GET": keyed(models, key)},
        }

    def warm(self) -> None:
        """Import what the first answer needs, and the routes that are switched on."""
        with suppress(Misconfigured):  # the requests say so
            self._runtime.warm()
            for route in (self._mcp, self._chatkit):
                if route.is_on:
                    route.endpoint  # noqa: B018 - makes it

    def public(self) -> dict[str, object]:
        """What a page may know before it asks."""
        settings = self._settings
        return {
            "title": settings.site_name,
            "mode": settings.chat_mode,
            "starter_questions": list(settings.starter_questions),
        }

    async def answer(
        self, question: Question, trace: Trace, *, waited_s: float
    ) -> AsyncGenerator[Event]:
        """The events of one answer; raises `SwitchedOff` when the operator said so."""
        settings = self._settings
        if settings.chat_mode is ChatMode.OFF:
            raise SwitchedOff("CHAT_MODE=off")
        async with AsyncExitStack() as leases:
            upstream = self._upstream(leases, waited_s)
            events = answer(question, upstream, policy_of(settings), trace)
            await leases.enter_async_context(aclosing(events))
            async for event in events:
                yield event

    async def passages(
        self, question: Question, trace: Trace, *, waited_s: float
    ) -> tuple[Passage, ...]:
        """The passages that an answer would be made from; none when the docs do not cover it."""
        async with AsyncExitStack() as leases:
            upstream = self._upstream(leases, waited_s)
            return await retrieve(question, upstream, policy_of(self._settings), trace)

    def wording(self, question: Question) -> Wording:
        """The fixed sentences in the question's language."""
        return wording_for(question, self._settings.wordings)

    def note(self, call: Call, question: Question, trace: Trace) -> None:
        """Add to the request's log line what it may say of the answer."""
        settings = self._settings
        call.log |= logs.answer_fields(
            trace,
            price_input=settings.price_input_per_million,
            price_output=settings.price_output_per_million,
        )
        if settings.log_questions is Switch.ON:
            logs.question(call.id, question.text)

    @functools.cached_property
    def _chatkit(self) -> OptionalRoute:
        def make() -> Endpoint:
            from docchat.web.chatkit.endpoint import endpoint as chatkit  # noqa: PLC0415

            keeps = self._settings.chatkit_store is ChatKitStore.QDRANT
            return chatkit(self, self._open_threads if keeps else None)

        return OptionalRoute("chatkit", _CHATKIT_OFF, lambda: self._settings, make)

    @functools.cached_property
    def _mcp(self) -> OptionalRoute:
        def make() -> Endpoint:
            from docchat.web.mcp.endpoint import endpoint as mcp  # noqa: PLC0415

            return mcp(self)

        return OptionalRoute("mcp", _MCP_OFF, lambda: self._settings, make)

    async def _open_threads(self, leases: AsyncExitStack, owner: str) -> "OwnersThreads":
        return (await self._runtime.lease_threads(leases)).of(owner)

    @property
    def _settings(self) -> Settings:
        return self._runtime.settings

    def _upstream(self, leases: AsyncExitStack, waited_s: float) -> Upstream:
        """This request's calls; what they use stays open as long as `leases`."""
        return Upstream(
            functools.partial(self._connect, leases),
            _time_limits(self._settings),
            self._retries,
            turns=self._turns,
            waited_s=waited_s,
        )

    @functools.cached_property
    def _budget(self) -> TokenBudget:
        settings = self._settings
        return TokenBudget(share(settings.daily_token_budget, settings.max_instances))

    @functools.cached_property
    def _repeats(self) -> Repeats:
        return Repeats(self._settings.cache_s)

    async def _connect(self, leases: AsyncExitStack, refused: Clients | None = None) -> Clients:
        """As `docchat.clients.Connect`; the clients stay open as long as `leases`."""
        clients = await self._lease(leases)
        if clients == refused:
            await self._runtime.reread_keys()
            clients = await self._lease(leases)
        return clients

    async def _lease(self, leases: AsyncExitStack) -> Clients:
        gemini, index = await self._runtime.lease(leases)
        return Clients(
            embedder=self._repeats.of(gemini),
            index=index,
            generator=gemini,
            budget=self._budget,
            answers=self._repeats.answers,
        )


def policy_of(settings: Settings) -> Policy:
    """How the site wants its questions answered."""
    return Policy(
        site_name=settings.site_name,
        context_chars=settings.context_chars,
        abstain_below=settings.abstain_below,
        max_output_tokens=settings.max_output_tokens,
        search_only=settings.chat_mode is ChatMode.SEARCH,
        site_rules=settings.site_rules,
        link_hosts=settings.link_hosts | {host_of(settings.site_url or "")},
        wordings=settings.wordings,
    )


def _time_limits(settings: Settings) -> TimeLimits:
    return TimeLimits(
        answer=settings.answer_deadline_s,
        first_token=settings.first_token_deadline_s,
        embed=settings.embed_timeout_s,
        search=settings.search_timeout_s,
        generate=settings.generate_timeout_s,
        idle=settings.idle_timeout_s,
    )
