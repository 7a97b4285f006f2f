import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from docchat.clients import Clients
from docchat.core.models import EVERYWHERE, Piece, Prompt, Retrieved, Scope, SparseVector, Vector
from docchat.deadlines import TimeLimits
from docchat.errors import KeyRefused, ServiceError, UpstreamBusy, UpstreamTimeout
from docchat.retries import RetryBudget
from docchat.upstream import Upstream
from tests.fakes import FakeBudget, FakeEmbedder, FakeGenerator, FakeIndex, passages

PROMPT = Prompt("the rules", ())


@dataclass
class Failing:
    """An embedder, an index and a generator that fail as told, one failure a call, then work."""

    failures: list[ServiceError] = field(default_factory=list)
    calls: int = 0

    async def embed_query(self, text: str) -> Vector:
        self._call()
        return [1.0, 0.0]

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        self._call()
        return Retrieved(passages(1), 0.7)

    def _call(self) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Slow:
    """A generator that takes so long for each of its pieces."""

    pauses: Sequence[float]
    closed: bool = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        try:
            for pause in self.pauses:
                await asyncio.sleep(pause)
                yield Piece("text")
        finally:
            self.closed = True


@dataclass
class Keys:
    """Connects to the next clients whenever a key is refused, to the last ones again and again."""

    clients: list[Clients]
    asked: int = 0

    async def __call__(self, refused: Clients | None = None) -> Clients:
        self.asked += 1
        if refused is not None and len(self.clients) > 1:
            del self.clients[0]
        return self.clients[0]


def clients(failing: Failing | None = None, generator: Slow | None = None) -> Clients:
    return Clients(
        failing or FakeEmbedder(),
        failing or FakeIndex(Retrieved((), 0.0)),
        generator or FakeGenerator([]),
        FakeBudget(),
    )


def upstream(*those: Clients, **limits: float) -> Upstream:
    return Upstream(Keys(list(those)), TimeLimits(**limits), RetryBudget())


async def read(asking: Upstream, into: list[Piece], *, begin: bool) -> None:
    async with aclosing(asking.stream(PROMPT)) as stream:
        async for piece in stream:
            if begin:
                asking.begin()
            into.append(piece)


async def test_a_call_is_made_three_times_at_most() -> None:
    failing = Failing([UpstreamBusy("503")] * 9)
    with pytest.raises(UpstreamBusy):
        await upstream(clients(failing)).embed("q")
    assert failing.calls == 3


async def test_a_retry_that_works_is_as_if_nothing_had_happened() -> None:
    failing = Failing([UpstreamBusy("503")])
    asking = upstream(clients(failing))
    assert await asking.embed("q") == [1.0, 0.0]
    assert (await asking.search([1.0], SparseVector((), ()), 3)).best_cosine == 0.7
    assert failing.calls == 3


async def test_a_slow_call_is_given_up_and_made_again() -> None:
    class OnceSlow(FakeEmbedder):
        async def embed_query(self, text: str) -> Vector:
            await super().embed_query(text)
            await asyncio.sleep(60 if len(self.asked) == 1 else 0)
            return [1.0, 0.0]

    embedder = OnceSlow()
    asking = upstream(Clients(embedder, Failing(), FakeGenerator([]), FakeBudget()), embed=0.05)
    assert await asking.embed("q") == [1.0, 0.0]
    assert len(embedder.asked) == 2


async def test_no_call_goes_beyond_the_first_events_deadline() -> None:
    class Hanging(FakeEmbedder):
        async def embed_query(self, text: str) -> Vector:
            await asyncio.sleep(60)
            return []

    asking = upstream(
        Clients(Hanging(), Failing(), FakeGenerator([]), FakeBudget()), first_token=0.1
    )
    with pytest.raises(UpstreamTimeout):
        await asyncio.wait_for(asking.embed("q"), 1.0)


async def test_connecting_counts_as_well() -> None:
    async def hang(refused: Clients | None = None) -> Clients:
        await asyncio.sleep(60)
        return clients()

    asking = Upstream(hang, TimeLimits(first_token=0.05), RetryBudget())
    with pytest.raises(UpstreamTimeout, match="clients"):
        await asyncio.wait_for(asking.embed("q"), 1.0)


async def test_a_refused_key_is_tried_once_more_with_the_new_one() -> None:
    old, new = Failing([KeyRefused("400")] * 9), Failing()
    assert await upstream(clients(old), clients(new)).embed("q") == [1.0, 0.0]
    assert (old.calls, new.calls) == (1, 1)


async def test_a_refused_key_that_has_not_changed_is_not_tried_again() -> None:
    failing = Failing([KeyRefused("400")] * 9)
    keys = Keys([clients(failing)])
    with pytest.raises(KeyRefused):
        await Upstream(keys, TimeLimits(), RetryBudget()).embed("q")
    assert (failing.calls, keys.asked) == (1, 2)


async def test_the_clients_of_a_new_key_stay_for_the_rest_of_the_request() -> None:
    old, new = Failing([KeyRefused("400")] * 9), Failing()
    asking = upstream(clients(old), clients(new))
    await asking.embed("q")
    await asking.search([1.0], SparseVector((), ()), 3)
    assert (old.calls, new.calls) == (1, 2)


async def test_once_the_caller_has_something_nothing_is_tried_again() -> None:
    asking = upstream(clients())
    asking.begin()
    for failure in (UpstreamBusy("503"), KeyRefused("401")):
        with pytest.raises(type(failure)):
            await asking.recover(failure)


@pytest.mark.parametrize(
    ("pauses", "limits", "pieces"),
    [
        pytest.param([60], {"generate": 0.05}, 0, id="no first piece"),
        pytest.param([0, 60], {"idle": 0.05}, 1, id="a stall"),
        pytest.param([0.02] * 99, {"answer": 0.2}, None, id="drip by drip without end"),
    ],
)
async def test_a_stream_that_takes_too_long_is_given_up_and_closed(
    pauses: list[float], limits: dict[str, float], pieces: int | None
) -> None:
    generator, got = Slow(pauses), list[Piece]()
    asking = upstream(clients(generator=generator), **limits)
    with pytest.raises(UpstreamTimeout):
        await asyncio.wait_for(read(asking, got, begin=True), 2.0)
    assert generator.closed
    assert len(got) == pieces if pieces is not None else len(got) > 1


async def test_until_the_caller_has_something_each_piece_counts_for_the_first_deadline() -> None:
    generator, held_back = Slow([0, 60]), list[Piece]()
    asking = upstream(clients(generator=generator), first_token=0.1)
    with pytest.raises(UpstreamTimeout):
        await asyncio.wait_for(read(asking, held_back, begin=False), 2.0)
    assert generator.closed
    assert len(held_back) == 1
