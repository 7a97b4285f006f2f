"""The one chat flow: contextualise, embed, retrieve, keep or abstain, prompt, stream, cite."""

import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from docchat.core import small_talk
from docchat.core.canary import LeakWatch
from docchat.core.conversation import previous, recent, search_text
from docchat.core.ground import Ground
from docchat.core.models import (
    EVERYWHERE,
    Event,
    Finish,
    Outcome,
    Passage,
    Prompt,
    Question,
    Scope,
    Sources,
    TextDelta,
    Trace,
    Usage,
)
from docchat.core.prompt import compose, most_tokens
from docchat.core.ranking import arranged, within_budget
from docchat.core.repeats import answer_key
from docchat.core.search_answer import not_found, search_answer
from docchat.core.sparse import encode_query
from docchat.core.wording import Wording, wording_for
from docchat.errors import ContentFiltered, ServiceError
from docchat.grounding import grounded
from docchat.repeats import once
from docchat.upstream import Upstream

CANDIDATES = 50
"""How many passages are searched for: enough to see which pages they come from."""

PASSAGES = 25
"""How many of them the model gets at most."""

HISTORY_CHARS = 4000
"""How much of the conversation the model gets."""

_MARKER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Policy:
    """How a site wants its questions answered.

    Attributes:
        site_name: what the model is told it answers for.
        context_chars: how much text of passages the model gets, in characters.
        abstain_below: cosine of the nearest chunk under which the docs are taken not to cover
            the question. It depends on the embedding model; 0 leaves the decision to the model.
        max_output_tokens: the most that one answer may take, for the budget.
        search_only: show the nearest pages and never ask the model.
        site_rules: what the owner wants of tone and content; the model is told.
        link_hosts: hosts that answers may link to, besides those of the retrieved pages.
        wordings: docchat's own words by language, where the owner gave them.
    """

    site_name: str
    context_chars: int = 8000
    abstain_below: float = 0.0
    max_output_tokens: int = 2048
    search_only: bool = False
    site_rules: str = ""
    link_hosts: frozenset[str] = frozenset()
    wordings: Mapping[str, Wording] = field(default_factory=dict)


class _Watch:
    """Puts what happens, and when, into the trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._started = time.monotonic()

    def ms(self) -> int:
        """Since the start of the answer."""
        return round((time.monotonic() - self._started) * 1000)

    def note(self, event: Event) -> None:
        """The caller gets this event."""
        trace = self.trace
        trace.first_event_ms = trace.first_event_ms or self.ms()
        if isinstance(event, Sources):
            trace.cited_chunks += [source.chunk_id for source in event.sources]
        if isinstance(event, Finish):
            trace.outcome, trace.usage = event.outcome, event.usage


async def answer(
    question: Question, upstream: Upstream, policy: Policy, trace: Trace
) -> AsyncGenerator[Event]:
    """Answer from the documentation, as events; the last one is a `Finish`.

    Nothing is yielded before the model's first piece has arrived, so a caller can wait for the
    first event and still report an early failure as what it is.

    Args:
        question: what is asked, with its history.
        upstream: this request's clients; not asked for when the question needs none.
        policy: the site's rules.
        trace: filled in on the way, for the log.

    Raises:
        ServiceError: retrieval or generation failed, or took too long. It never becomes an
            ungrounded answer.
    """
    watch = _Watch(trace)
    try:
        async with aclosing(_events(question, upstream, policy, watch)) as events:
            async for event in events:
                upstream.begin()
                watch.note(event)
                yield event
    except ContentFiltered:
        trace.outcome = Outcome.REFUSED
        raise
    finally:
        trace.retries = upstream.retries


async def _events(
    question: Question, upstream: Upstream, policy: Policy, watch: _Watch
) -> AsyncGenerator[Event]:
    wording = wording_for(question, policy.wordings)
    kind_words = small_talk.reply(question.text, wording, site_name=policy.site_name)
    if kind_words:
        fixed: Sequence[Event] = [TextDelta(kind_words), Finish(Outcome.ANSWERED, Usage())]
    else:
        found = await _retrieve(question, upstream, policy, watch)
        ground = Ground(found.passages, wording, policy.link_hosts)
        topic = not question.history and small_talk.is_one_word(question.text)
        if found.covered and not (topic or policy.search_only):
            key = answer_key(question, found.index_version)
            made = _generate(question, ground, upstream, policy, watch)
            answers = (await upstream.clients()).answers
            async with aclosing(once(key, made, answers, watch.trace)) as stream:
                async for event in stream:
                    yield event
            return
        intro = wording.one_word if topic else wording.search_only
        fixed = search_answer(ground, intro) if found.covered else not_found(ground, Usage())
    for event in fixed:
        yield event


async def retrieve(
    question: Question, upstream: Upstream, policy: Policy, trace: Trace
) -> tuple[Passage, ...]:
    """The passages that the model would get to see; none when the docs do not cover the question.

    Args and errors are those of `answer`.
    """
    try:
        found = await _retrieve(question, upstream, policy, _Watch(trace))
    finally:
        trace.retries = upstream.retries
    return found.passages if found.covered else ()


class _Found(NamedTuple):
    """The nearest passages, and whether they are near enough to cover the question."""

    passages: tuple[Passage, ...]
    covered: bool
    index_version: str


async def _retrieve(
    question: Question, upstream: Upstream, policy: Policy, watch: _Watch
) -> _Found:
    trace = watch.trace
    vector = await upstream.embed(search_text(question))
    trace.embedded_ms = watch.ms()
    terms = encode_query(question.text, earlier=previous(question))
    # A page's locale may not be indexed, or its version: better more of the docs than none.
    for scope in dict.fromkeys((question.scope, Scope(question.scope.version), EVERYWHERE)):
        found = await upstream.search(vector, terms, CANDIDATES, scope)
        if found.passages:
            break
    trace.retrieved_ms = watch.ms()
    trace.best_cosine, trace.index_version = round(found.best_cosine, 4), found.index_version
    best = arranged(found.passages)[:PASSAGES]
    passages = within_budget(best, max_chars=policy.context_chars)
    covered = bool(passages) and found.best_cosine >= policy.abstain_below
    trace.passages = len(passages) if covered else 0
    return _Found(passages, covered, found.index_version)


async def _generate(
    question: Question,
    ground: Ground,
    upstream: Upstream,
    policy: Policy,
    watch: _Watch,
) -> AsyncGenerator[Event]:
    prompt = compose(
        replace(question, history=recent(question.history, max_chars=HISTORY_CHARS)),
        ground.passages,
        marker=secrets.token_hex(_MARKER_BYTES),
        site_name=policy.site_name,
        site_rules=policy.site_rules,
    )
    budget = (await upstream.clients()).budget
    reservation = budget.reserve(most_tokens(prompt) + policy.max_output_tokens)
    if reservation is None:
        for event in search_answer(ground, ground.wording.over_budget):
            yield event
        return
    leak = LeakWatch(prompt.canary)
    try:
        async with aclosing(_attempts(prompt, upstream, ground, leak)) as events:
            async for event in events:
                if isinstance(event, Finish) and event.usage != Usage():  # else nobody knows
                    reservation.settle(event.usage.input_tokens + event.usage.output_tokens)
                yield event
    finally:
        watch.trace.leaked = leak.leaked


async def _attempts(
    prompt: Prompt, upstream: Upstream, ground: Ground, leak: LeakWatch
) -> AsyncGenerator[Event]:
    """The model's answer, asked for again as long as none of it was sent."""
    while True:
        try:
            async with (
                aclosing(upstream.stream(prompt)) as pieces,
                aclosing(grounded(pieces, ground, leak)) as events,
            ):
                async for event in events:
                    yield event
                return
        except ServiceError as failure:
            await upstream.recover(failure)
