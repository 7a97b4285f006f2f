"""Questions that were asked before."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from docchat.core.models import (
    Event,
    Finish,
    Outcome,
    Question,
    Role,
    Scope,
    TextDelta,
    Trace,
    Turn,
    Usage,
)
from docchat.core.repeats import answer_key
from docchat.repeats import MOST_ANSWERS, Repeats, once
from tests.fakes import FakeEmbedder

ANSWERED = Finish(Outcome.ANSWERED, Usage(100, 20))
ASKED = Question("How do I install it?")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A process that answers, and counts how often it has to."""

    keep_s: float = 60.0
    last: Finish = ANSWERED
    made: int = 0
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.repeats = Repeats(self.keep_s, self.clock)

    async def _make(self) -> AsyncGenerator[Event]:
        self.made += 1
        yield TextDelta(f"Answer {self.made}.")
        yield self.last

    async def ask(self, question: Question = ASKED, version: str = "v1") -> list[Event]:
        self.trace = Trace()
        key = answer_key(question, version)
        events = once(key, self._make(), self.repeats.answers, self.trace)
        return [event async for event in events]


async def test_the_same_question_is_answered_once() -> None:
    site = Site()
    first, second = await site.ask(), await site.ask(Question("  How do I\ninstall it? "))
    assert (site.made, site.trace.repeated) == (1, True)
    assert first[:-1] == second[:-1]
    assert second[-1] == Finish(Outcome.ANSWERED, Usage())  # nothing was paid for it


@pytest.mark.parametrize(
    "other",
    [
        Question("How do I remove it?"),
        Question(ASKED.text, scope=Scope("2.0")),
        Question(ASKED.text, scope=Scope("", "fr")),
        Question(ASKED.text, history=(Turn(Role.USER, "Hello?"),)),
        Question(ASKED.text, again=True),
    ],
    ids=["text", "version", "locale", "follow-up", "asked again"],
)
async def test_another_question_is_answered_anew(other: Question) -> None:
    site = Site()
    await site.ask()
    await site.ask(other)
    assert (site.made, site.trace.repeated) == (2, False)


async def test_a_new_version_of_the_index_makes_every_answer_anew() -> None:
    site = Site()
    await site.ask()
    await site.ask(version="v2")
    assert site.made == 2


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.ANSWERED])
async def test_only_what_was_answered_is_kept(outcome: Outcome) -> None:
    site = Site(last=Finish(outcome, Usage()))
    await site.ask()
    await site.ask()
    assert site.made == 2


async def test_an_answer_is_kept_for_the_given_time() -> None:
    site = Site(keep_s=60)
    await site.ask()
    site.clock.now = 59.9
    await site.ask()
    site.clock.now = 60.0
    await site.ask()
    assert site.made == 2


async def test_with_no_time_nothing_is_kept() -> None:
    site = Site(keep_s=0)
    await site.ask()
    await site.ask()
    assert site.made == 2


async def test_with_nowhere_to_keep_answers_each_is_made_anew() -> None:
    site = Site()
    for _ in range(2):
        assert [event async for event in once("key", site._make(), None, Trace())]
    assert site.made == 2


async def test_an_answer_that_the_reader_left_is_not_kept() -> None:
    site = Site()
    left = once("key", site._make(), site.repeats.answers, Trace())
    await anext(left)
    await left.aclose()
    assert not site.repeats.answers


async def test_what_is_kept_is_bounded() -> None:
    site = Site()
    for n in range(MOST_ANSWERS + 5):
        await site.ask(Question(f"Question {n}?"))
    assert len(site.repeats.answers) == MOST_ANSWERS


async def test_a_vector_is_asked_for_once() -> None:
    embedder, repeats = FakeEmbedder(), Repeats(60, Clock())
    vectors = [list(await repeats.of(embedder).embed_query("How?")) for _ in range(2)]
    assert vectors == [[1.0, 0.0]] * 2
    assert embedder.asked == ["How?"]
    await repeats.of(embedder).embed_query("Why?")
    assert embedder.asked == ["How?", "Why?"]


async def test_nothing_that_is_kept_tells_the_question() -> None:
    site = Site()
    await site.ask()
    await site.repeats.of(FakeEmbedder()).embed_query(ASKED.text)
    assert "install" not in repr((site.repeats.answers.keys(), vars(site.repeats)))
