import pytest

from docchat.answering import NOT_FOUND_TEXT, REFUSED_TEXT, Policy, answer
from docchat.core.models import (
    Event,
    Finish,
    FinishReason,
    Outcome,
    Piece,
    Question,
    Retrieved,
    Role,
    Sources,
    TextDelta,
    Turn,
    Usage,
)
from docchat.core.prompt import NOT_IN_DOCS
from docchat.errors import IndexUnavailable, UpstreamBadResponse, UpstreamBusy, UpstreamTruncated
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex, passages

STOP = Piece(finish=FinishReason.STOP, usage=Usage(100, 20))


def policy(*, abstain_below: float = 0.0) -> Policy:
    return Policy(site_name="Example", context_chars=8000, abstain_below=abstain_below)


async def run(
    *pieces: Piece,
    question: Question | None = None,
    found: Retrieved | None = None,
    generator: FakeGenerator | None = None,
    embedder: FakeEmbedder | None = None,
    index: FakeIndex | None = None,
    rules: Policy | None = None,
) -> list[Event]:
    return [
        event
        async for event in answer(
            question or Question("how?"),
            embedder=embedder or FakeEmbedder(),
            index=index or FakeIndex(found or Retrieved(passages(3), 0.7)),
            generator=generator or FakeGenerator(pieces),
            policy=rules or policy(),
        )
    ]


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


async def test_the_models_own_declaration_is_not_found_and_never_shown() -> None:
    events = await run(Piece("NOT_IN"), Piece("_DOCS"), STOP)
    assert text(events) == NOT_FOUND_TEXT
    assert NOT_IN_DOCS not in text(events)
    assert outcome(events) is Outcome.NOT_FOUND


async def test_nothing_retrieved_is_not_found_without_asking_the_model() -> None:
    generator = FakeGenerator([Piece("guess"), STOP])
    events = await run(found=Retrieved((), 0.0), generator=generator)
    assert outcome(events) is Outcome.NOT_FOUND
    assert generator.prompts == []


@pytest.mark.parametrize(("cosine", "asked"), [(0.29, 0), (0.30, 1)])
async def test_below_the_threshold_the_model_is_not_asked(cosine: float, asked: int) -> None:
    generator = FakeGenerator([Piece("It works [1]."), STOP])
    await run(
        found=Retrieved(passages(1), cosine), generator=generator, rules=policy(abstain_below=0.30)
    )
    assert len(generator.prompts) == asked


async def test_a_block_before_any_text_is_refused() -> None:
    events = await run(Piece(finish=FinishReason.BLOCKED))
    assert text(events) == REFUSED_TEXT
    assert outcome(events) is Outcome.REFUSED


async def test_a_block_after_text_is_refused_and_says_so() -> None:
    events = await run(Piece("Some text [1]"), Piece(finish=FinishReason.BLOCKED))
    assert text(events).endswith(REFUSED_TEXT)
    assert outcome(events) is Outcome.REFUSED


async def test_a_stream_without_a_finish_reason_is_never_a_success() -> None:
    with pytest.raises(UpstreamTruncated):
        await run(Piece("It works [1]."))


async def test_a_finished_stream_without_text_is_an_error() -> None:
    with pytest.raises(UpstreamBadResponse):
        await run(STOP)


async def test_a_retrieval_failure_never_becomes_an_answer() -> None:
    generator = FakeGenerator([Piece("guess"), STOP])
    index = FakeIndex(Retrieved(passages(1), 1.0), error=IndexUnavailable("down"))
    with pytest.raises(IndexUnavailable):
        await run(index=index, generator=generator)
    assert generator.prompts == []


async def test_nothing_is_yielded_before_the_models_first_piece() -> None:
    events = answer(
        Question("how?"),
        embedder=FakeEmbedder(),
        index=FakeIndex(Retrieved(passages(2), 0.7)),
        generator=FakeGenerator([], error=UpstreamBusy("429")),
        policy=policy(),
    )
    with pytest.raises(UpstreamBusy):
        await anext(events)


async def test_the_upstream_stream_is_closed_when_the_reader_leaves() -> None:
    generator = FakeGenerator([Piece("a [1]"), Piece("b"), STOP])
    events = answer(
        Question("how?"),
        embedder=FakeEmbedder(),
        index=FakeIndex(Retrieved(passages(2), 0.7)),
        generator=generator,
        policy=policy(),
    )
    await anext(events)
    await events.aclose()
    assert generator.closed


async def test_a_follow_up_is_searched_with_the_turn_before_it() -> None:
    embedder = FakeEmbedder()
    history = (Turn(Role.USER, "install?"), Turn(Role.ASSISTANT, "so"))
    await run(Piece("x [1]"), STOP, question=Question("on Linux?", history), embedder=embedder)
    assert embedder.asked == ["install?\non Linux?"]


async def test_each_request_has_a_marker_of_its_own() -> None:
    generator = FakeGenerator([Piece("x [1]"), STOP])
    await run(generator=generator)
    await run(generator=generator)
    first, second = (prompt.turns[-1].text.split()[1] for prompt in generator.prompts)
    assert first != second
    assert len(first) == 32
