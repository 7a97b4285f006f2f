from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from docchat.answering import Policy, answer
from docchat.clients import Clients
from docchat.core.models import (
    EVERYWHERE,
    Event,
    Finish,
    FinishReason,
    Outcome,
    Piece,
    Question,
    Retrieved,
    Role,
    Scope,
    Sources,
    TextDelta,
    Trace,
    Turn,
    Usage,
)
from docchat.core.prompt import NOT_IN_DOCS
from docchat.core.wording import ENGLISH, Wording
from docchat.deadlines import TimeLimits
from docchat.errors import (
    ContentFiltered,
    IndexUnavailable,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTruncated,
)
from docchat.grounding import MAX_ANSWER_CHARS
from docchat.retries import RetryBudget
from docchat.upstream import Upstream
from tests.fakes import FakeAttempts, FakeBudget, FakeEmbedder, FakeGenerator, FakeIndex, passages

STOP = Piece(finish=FinishReason.STOP, usage=Usage(100, 20))


def policy(**changes: object) -> Policy:
    return replace(Policy(site_name="Example"), **changes)  # type: ignore[arg-type]


@dataclass
class Flow:
    """One question through the flow, with what to look at afterwards."""

    generator: FakeGenerator
    attempts: FakeAttempts | None = None
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    index: FakeIndex = field(default_factory=lambda: FakeIndex(Retrieved(passages(3), 0.7, "v1")))
    budget: FakeBudget = field(default_factory=FakeBudget)
    trace: Trace = field(default_factory=Trace)
    connected: int = 0

    async def connect(self, refused: Clients | None = None) -> Clients:
        self.connected += 1
        return Clients(self.embedder, self.index, self.attempts or self.generator, self.budget)

    def open(self, question: Question, rules: Policy) -> AsyncGenerator[Event]:
        upstream = Upstream(self.connect, TimeLimits(), RetryBudget())
        return answer(question, upstream, rules, self.trace)


def flow(*pieces: Piece, error: ServiceError | None = None) -> Flow:
    return Flow(FakeGenerator(pieces, error=error))


def attempts(*each: Sequence[Piece]) -> Flow:
    """A model that says these pieces when it is asked, one after the other."""
    generators = [FakeGenerator(pieces) for pieces in each]
    return Flow(generators[0], FakeAttempts(generators))


async def run(
    *pieces: Piece,
    question: Question | str = "how does it work?",
    through: Flow | None = None,
    rules: Policy | None = None,
) -> list[Event]:
    asked = Question(question) if isinstance(question, str) else question
    return [event async for event in (through or flow(*pieces)).open(asked, rules or policy())]


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def outcome(events: list[Event]) -> Outcome:
    *others, last = events
    assert isinstance(last, Finish)
    assert not any(isinstance(event, Finish) for event in others)
    return last.outcome


async def test_a_cited_answer_is_answered_with_its_sources() -> None:
    events = await run(Piece("It works [2]"), Piece(" and more [3]."), STOP)
    assert text(events) == "It works [1] and more [2]."
    assert outcome(events) is Outcome.ANSWERED
    urls = [s.url for e in events if isinstance(e, Sources) for s in e.sources]
    assert urls == ["https://docs.example.com/page-2#part", "https://docs.example.com/page-3#part"]
    assert events[-1] == Finish(Outcome.ANSWERED, Usage(100, 20))


async def test_an_answer_without_a_valid_citation_is_partial() -> None:
    events = await run(Piece("It works [9]."), STOP)
    assert text(events) == "It works."
    assert outcome(events) is Outcome.PARTIAL


async def test_an_answer_cut_at_the_token_limit_is_partial() -> None:
    events = await run(Piece("It works [1] and", finish=FinishReason.LENGTH))
    assert outcome(events) is Outcome.PARTIAL
    assert events[-1] == Finish(Outcome.PARTIAL, Usage(), FinishReason.LENGTH)
    assert text(events) == f"It works [1] and\n\n{ENGLISH.cut}"


@pytest.mark.parametrize(
    ("chars", "cut"), [(MAX_ANSWER_CHARS, False), (MAX_ANSWER_CHARS + 1, True)]
)
async def test_an_answer_without_end_is_cut_and_the_model_left(chars: int, *, cut: bool) -> None:
    half = "a" * (chars - 1000)
    through = flow(Piece(half), Piece("b" * 1000), STOP)
    events = await run(through=through)
    assert isinstance(events[-1], Finish)
    assert (events[-1].reason is FinishReason.LENGTH) is cut  # STOP was not read any more
    assert len(text(events).removesuffix(f"\n\n{ENGLISH.cut}")) == min(chars, MAX_ANSWER_CHARS)
    assert through.generator.closed


PAGES = "\n".join(f"- Page {n} › Part [{n}]" for n in (1, 2, 3))
CLOSEST = f"{ENGLISH.not_found} {ENGLISH.closest}\n\n{PAGES}"


async def test_the_models_own_declaration_is_not_found_and_never_shown() -> None:
    events = await run(Piece("NOT_IN"), Piece("_DOCS"), STOP)
    assert text(events) == CLOSEST
    assert NOT_IN_DOCS not in text(events)
    assert outcome(events) is Outcome.NOT_FOUND


async def test_a_declaration_behind_a_few_words_begins_a_paragraph() -> None:
    assert text(await run(Piece("Sorry. NOT_IN_DOCS"), STOP)) == f"Sorry. \n\n{CLOSEST}"


async def test_what_is_not_found_names_the_closest_pages_each_once() -> None:
    through = flow(STOP)
    near = [replace(p, chunk=replace(p.chunk, path="one.md")) for p in passages(2)]
    through.index.found = Retrieved((*near, *passages(6)[2:]), 0.1)
    events = await run(through=through, rules=policy(abstain_below=0.30))
    assert [s.title for e in events if isinstance(e, Sources) for s in e.sources] == [
        "Page 1 › Part",
        "Page 3 › Part",
        "Page 4 › Part",
    ]
    assert outcome(events) is Outcome.NOT_FOUND


async def test_the_owners_words_come_in_the_questions_language() -> None:
    rules = policy(wordings={"de": Wording(not_found="Dazu steht hier nichts.")})
    german = Question("Wie kann ich das Backup wiederherstellen?")
    through = flow(Piece("NOT_IN_DOCS"), STOP)
    assert text(await run(through=through, rules=rules, question=german)).startswith("Dazu steht")
    through = flow(Piece("NOT_IN_DOCS"), STOP)
    assert text(await run(through=through, rules=rules)).startswith(ENGLISH.not_found)


async def test_nothing_retrieved_is_not_found_without_asking_the_model() -> None:
    through = flow(Piece("guess"), STOP)
    through.index.found = Retrieved((), 0.0)
    events = await run(through=through)
    assert text(events) == ENGLISH.not_found
    assert outcome(events) is Outcome.NOT_FOUND
    assert through.generator.prompts == []


@pytest.mark.parametrize(("cosine", "asked"), [(0.29, 0), (0.30, 1)])
async def test_below_the_threshold_the_model_is_not_asked(cosine: float, asked: int) -> None:
    through = flow(Piece("It works [1]."), STOP)
    through.index.found = Retrieved(passages(1), cosine)
    await run(through=through, rules=policy(abstain_below=0.30))
    assert len(through.generator.prompts) == asked


async def test_a_block_before_any_text_is_refused() -> None:
    events = await run(Piece(finish=FinishReason.BLOCKED))
    assert text(events) == ENGLISH.refused
    assert outcome(events) is Outcome.REFUSED


async def test_a_block_after_text_is_an_error_and_refused_in_the_log() -> None:
    through = flow(Piece("Some text [1]"), Piece(finish=FinishReason.BLOCKED))
    with pytest.raises(ContentFiltered):
        await run(through=through)
    assert through.trace.outcome is Outcome.REFUSED


async def test_a_stream_without_a_finish_reason_is_never_a_success() -> None:
    with pytest.raises(UpstreamTruncated):
        await run(Piece("It works [1]."))


@pytest.mark.parametrize("said", ["", "\n\n", " [99] "])
async def test_a_finished_stream_that_says_nothing_is_an_error(said: str) -> None:
    with pytest.raises(UpstreamBadResponse):
        await run(Piece(said), STOP)


async def test_a_model_that_said_nothing_is_asked_once_more() -> None:
    through = attempts([STOP], [Piece("It works [1]."), STOP])
    assert text(await run(through=through)) == "It works [1]."
    assert through.trace.retries == 1
    through = attempts([STOP], [STOP], [Piece("It works [1]."), STOP])
    with pytest.raises(UpstreamBadResponse):
        await run(through=through)
    assert through.attempts
    assert through.attempts.asked == 2


async def test_what_was_held_back_when_the_stream_broke_off_is_forgotten() -> None:
    through = attempts([Piece("NOT_IN")], [Piece("It works [1]."), STOP])
    through.attempts.attempts[0].error = UpstreamTruncated("reset")  # type: ignore[union-attr]
    assert text(await run(through=through)) == "It works [1]."


async def test_after_text_a_broken_stream_is_not_asked_for_again() -> None:
    through = attempts([Piece("It works [1]. ")], [Piece("again"), STOP])
    with pytest.raises(UpstreamTruncated):
        await run(through=through)
    assert through.attempts
    assert through.attempts.asked == 1


async def test_a_model_that_thinks_up_to_its_limit_is_not_asked_again() -> None:
    through = attempts([Piece(finish=FinishReason.LENGTH)], [Piece("again"), STOP])
    with pytest.raises(UpstreamBadResponse):
        await run(through=through)
    assert through.attempts
    assert through.attempts.asked == 1


async def test_tokens_that_nobody_counted_stay_reserved() -> None:
    through = flow(Piece("It works [1]."), Piece(finish=FinishReason.STOP))
    await run(through=through)
    assert [reservation.used for reservation in through.budget.reservations] == [None]


async def test_a_retrieval_failure_never_becomes_an_answer() -> None:
    through = flow(Piece("guess"), STOP)
    through.index.error = IndexUnavailable("down")
    with pytest.raises(IndexUnavailable):
        await run(through=through)
    assert through.generator.prompts == []


async def test_nothing_is_yielded_before_the_models_first_piece() -> None:
    events = flow(error=UpstreamBusy("429")).open(Question("how so?"), policy())
    with pytest.raises(UpstreamBusy):
        await anext(events)


async def test_the_upstream_stream_is_closed_when_the_reader_leaves() -> None:
    through = flow(Piece("a [1]. "), Piece("b"), STOP)
    events = through.open(Question("how so?"), policy())
    await anext(events)
    await events.aclose()
    assert through.generator.closed


async def test_a_follow_up_is_searched_with_the_turn_before_it() -> None:
    through = flow(Piece("x [1]"), STOP)
    history = (Turn(Role.USER, "install?"), Turn(Role.ASSISTANT, "so"))
    await run(through=through, question=Question("on Linux?", history))
    assert through.embedder.asked == ["on Linux?\ninstall?"]


async def test_each_request_has_a_marker_of_its_own() -> None:
    through = flow(Piece("x [1]"), STOP)
    await run(through=through)
    await run(through=through)
    first, second = (prompt.turns[-1].text.split()[1] for prompt in through.generator.prompts)
    assert first != second
    assert len(first) == 32


@pytest.mark.parametrize("said", ["hi", "Hello there!", "thanks a lot", "who are you?", "", "?!"])
async def test_small_talk_is_answered_kindly_without_any_client(said: str) -> None:
    through = flow()
    events = await run(through=through, question=said)
    assert outcome(events) is Outcome.ANSWERED
    assert text(events)
    assert through.connected == 0


async def test_one_word_gets_the_nearest_pages_and_a_kind_question() -> None:
    through = flow(Piece("guess"), STOP)
    events = await run(through=through, question="createStore")
    assert outcome(events) is Outcome.DEGRADED
    assert "a little more" in text(events)
    assert "Page 1 › Part [1]" in text(events)
    assert through.generator.prompts == []


async def test_one_word_within_a_conversation_is_a_question() -> None:
    history = (Turn(Role.USER, "install?"), Turn(Role.ASSISTANT, "so"))
    events = await run(Piece("Because [1]."), STOP, question=Question("why?", history))
    assert outcome(events) is Outcome.ANSWERED


async def test_search_only_shows_pages_and_never_asks_the_model() -> None:
    through = flow(Piece("guess"), STOP)
    events = await run(through=through, rules=policy(search_only=True))
    assert outcome(events) is Outcome.DEGRADED
    assert [type(event) for event in events] == [Sources, TextDelta, Finish]
    assert through.generator.prompts == []


async def test_over_the_budget_the_answer_becomes_search_results() -> None:
    through = flow(Piece("x [1]"), STOP)
    through.budget.tokens = 2000
    events = await run(through=through)
    assert outcome(events) is Outcome.DEGRADED
    assert "cannot write an answer right now" in text(events)
    assert through.generator.prompts == []


async def test_the_budget_is_settled_with_what_was_used() -> None:
    through = flow(Piece("x [1]"), STOP)
    await run(through=through)
    assert [reservation.used for reservation in through.budget.reservations] == [120]


async def test_a_failed_answer_keeps_its_reservation() -> None:
    through = flow(Piece("x"), error=UpstreamBusy("gone"))
    with pytest.raises(UpstreamBusy):
        await run(through=through)
    assert [reservation.used for reservation in through.budget.reservations] == [None]


async def test_the_trace_says_what_happened_without_any_text() -> None:
    through = flow(Piece("It works [2]."), STOP)
    await run(through=through)
    trace = through.trace
    assert trace.outcome is Outcome.ANSWERED
    assert trace.usage == Usage(100, 20)
    assert trace.index_version == "v1"
    assert trace.cited_chunks == [passages(3)[1].chunk.id]
    assert (trace.passages, trace.best_cosine) == (3, 0.7)
    assert trace.embedded_ms is not None
    assert "works" not in repr(trace)


async def test_the_search_stays_in_the_scope_of_the_question() -> None:
    through, scope = flow(Piece("So [1]."), STOP), Scope("2.0", "fr")
    through.index.holds = scope
    await run(question=Question("how does it work?", scope=scope), through=through)
    assert through.index.scopes == [scope]


async def test_a_page_of_a_version_that_is_not_indexed_has_all_of_the_docs_searched() -> None:
    through, scope = flow(Piece("So [1]."), STOP), Scope("0.1")
    events = await run(question=Question("how does it work?", scope=scope), through=through)
    assert through.index.scopes == [scope, EVERYWHERE]
    assert outcome(events) is Outcome.ANSWERED
