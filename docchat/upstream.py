"""One answer's calls to the clients: each in its time, and made again where that makes sense."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from docchat.clients import Clients, Connect
from docchat.core.models import EVERYWHERE, Piece, Prompt, Retrieved, Scope, SparseVector, Vector
from docchat.deadlines import Deadline, TimeLimits
from docchat.errors import KeyRefused, ServiceError
from docchat.retries import Retries, RetryBudget
from docchat.turns import Turns

T = TypeVar("T")


class Upstream:
    """The clients for one request.

    Every method raises a `ServiceError`: `UpstreamTimeout` when a limit is over, or what the last
    attempt failed with.
    """

    def __init__(
        self,
        connect: Connect,
        limits: TimeLimits,
        budget: RetryBudget,
        *,
        turns: Turns | None = None,
        waited_s: float = 0.0,
    ) -> None:
        """Starts the request's clock.

        Args:
            connect: gives the clients; not called before one is needed.
            limits: the site's.
            budget: the retries of the process.
            turns: what the answers of the process take before a heavy step; None: only this one.
            waited_s: how long the request has been here already.
        """
        self._connect = connect
        self._turns = turns or Turns()
        self._limits = limits
        self._deadline = Deadline(limits, waited_s=waited_s)
        self._retries = Retries(budget, self._deadline)
        self._clients: Clients | None = None

    @property
    def retries(self) -> int:
        """How many calls were made again."""
        return self._retries.made

    def begin(self) -> None:
        """The caller gets its first event: nothing is made again from now on."""
        self._deadline.begin()

    async def clients(self) -> Clients:
        """The clients of this request."""
        if self._clients is None:
            self._clients = await self._deadline.wait(self._connect(), "clients", math.inf)
        return self._clients

    async def embed(self, text: str) -> Vector:
        """The question's vector."""

        def ask(clients: Clients) -> Awaitable[Vector]:
            return clients.embedder.embed_query(text)

        await self._turn(begun=False)
        return await self._call(ask, "embedding", self._limits.embed)

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """The nearest passages within the scope."""

        def ask(clients: Clients) -> Awaitable[Retrieved]:
            return clients.index.search(dense, sparse, limit, scope)

        await self._turn(begun=True)
        found = await self._call(ask, "search", self._limits.search)
        await self._turn(begun=True)  # a prompt is made of them now
        return found

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """The model's pieces, of one attempt: who reads them knows what was sent on."""
        clients = await self.clients()
        limit_s = self._limits.generate
        async with aclosing(clients.generator.stream(prompt)) as pieces:
            while piece := await self._deadline.wait(anext(pieces, None), "generation", limit_s):
                yield piece
                limit_s = self._limits.idle

    async def recover(self, failure: ServiceError) -> None:
        """Return when what failed may be tried again.

        Raises:
            ServiceError: the failure itself, when it may not.
        """
        if self._deadline.begun:
            raise failure
        if isinstance(failure, KeyRefused):
            await self._renew_keys(failure)
        else:
            await self._retries.wait(failure)

    async def _turn(self, *, begun: bool) -> None:
        await self._deadline.wait(self._turns.take(begun=begun), "a turn", math.inf)

    async def _call(self, ask: Callable[[Clients], Awaitable[T]], what: str, limit_s: float) -> T:
        while True:
            clients = await self.clients()
            try:
                return await self._deadline.wait(ask(clients), what, limit_s)
            except ServiceError as failure:
                await self.recover(failure)

    async def _renew_keys(self, failure: KeyRefused) -> None:
        refused = await self.clients()
        renewing = self._connect(refused)
        self._clients = await self._deadline.wait(renewing, "clients with new keys", math.inf)
        if self._clients == refused:
            raise failure
