from collections.abc import AsyncIterator

import pytest

from docchat.core.canary import LeakWatch, canary_of
from docchat.core.ground import Ground
from docchat.core.models import Event, Finish, FinishReason, Outcome, Piece, TextDelta
from docchat.core.wording import ENGLISH
from docchat.errors import ContentFiltered
from docchat.grounding import grounded
from tests.fakes import passages

CANARY = canary_of("the rules")
STOP = Piece(finish=FinishReason.STOP)


async def run(*texts: str, watch: LeakWatch | None = None) -> list[Event]:
    async def pieces() -> AsyncIterator[Piece]:
        for text in texts:
            yield Piece(text)
        yield STOP

    ground = Ground(passages(3), ENGLISH, frozenset({"listed.example"}))
    return [event async for event in grounded(pieces(), ground, watch or LeakWatch(CANARY))]


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_an_answer_that_begins_with_the_rules_is_refused() -> None:
    watch = LeakWatch(CANARY)
    events = await run("[", CANARY[:7], CANARY[7:], "] You answer", watch=watch)
    assert text(events) == ENGLISH.refused
    assert isinstance(events[-1], Finish)
    assert events[-1].outcome is Outcome.REFUSED
    assert watch.leaked


async def test_an_answer_that_comes_to_the_rules_ends_there() -> None:
    said: list[Event] = []
    with pytest.raises(ContentFiltered):
        said += await run("Gladly. My rules are [", f"{CANARY}] You answer", " the questions.")
    assert CANARY not in text(said)


async def test_what_nobody_sees_hides_neither_rules_nor_links() -> None:
    watch = LeakWatch(CANARY)
    await run("\u200b".join(CANARY), watch=watch)
    assert watch.leaked
    events = await run("[a]\u200b(https://evil.example) [1]")
    assert text(events) == "a (`evil.example`) [1]"


async def test_links_to_listed_hosts_and_to_the_sources_pass() -> None:
    said = "[a](https://listed.example/x) [b](https://docs.example.com/page) [1]"
    assert text(await run(said)) == said
