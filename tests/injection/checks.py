"""What may not happen with a text, wherever it stands."""

import json
import random
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from docchat.answering import HISTORY_CHARS
from docchat.core.canary import LeakWatch
from docchat.core.conversation import recent
from docchat.core.ground import Ground
from docchat.core.models import (
    Chunk,
    Event,
    Passage,
    Piece,
    Prompt,
    Question,
    Role,
    Sources,
    TextDelta,
    Turn,
)
from docchat.core.output_filter import OutputFilter, readable
from docchat.core.prompt import compose
from docchat.core.visible import visible
from docchat.core.wording import ENGLISH
from docchat.errors import ContentFiltered, UpstreamBadResponse
from docchat.grounding import grounded
from tests.core.rendered import COMMONMARK, tokens, unsafe

HOST = "d.example"
_CHUNKINGS = 5
_MOST_QUESTION = 4000  # characters, as the API takes them


def passage(text: str = "Harmless.", title: str = "A title", n: int = 1) -> Passage:
    return Passage(Chunk(f"id-{n}", "p.md", f"https://{HOST}/p{n}", title, ("H",), text), 1.0)


PASSAGES = [passage(n=n) for n in range(1, 4)]


# --- as the model's output ----------------------------------------------------


def filtered(pieces: Iterable[str], hosts: Iterable[str] = ()) -> tuple[str, list[int]]:
    """The visitor's text, and the numbers of its sources."""
    answer = OutputFilter(PASSAGES, frozenset(hosts))
    events = [event for piece in pieces for event in answer.feed(readable(piece))] + answer.close()
    return _read(events)


def _read(events: Iterable[Event]) -> tuple[str, list[int]]:
    shown = list(events)
    text = "".join(event.text for event in shown if isinstance(event, TextDelta))
    return text, [s.n for event in shown if isinstance(event, Sources) for s in event.sources]


def rolls(seed: int | str) -> random.Random:
    """The same throws for the same seed."""
    return random.Random(seed)  # noqa: S311 - nothing here is a secret


def cut(text: str, rng: random.Random) -> list[str]:
    """The text in up to eight pieces."""
    cuts = sorted(rng.choices(range(len(text) + 1), k=7))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def faults_as_output(text: str, rng: random.Random) -> list[str]:
    """What is wrong with the answer of a model that says the text."""
    shown, numbers = filtered([text])
    wrong = _unsafe(shown, numbers)
    for _ in range(_CHUNKINGS):
        if filtered(cut(text, rng)) != (shown, numbers):
            wrong.append("the pieces change the result")
    return wrong


def _unsafe(shown: str, numbers: Iterable[int]) -> list[str]:
    """What is wrong with a visitor's text that has these sources."""
    prose = "".join(t.content for t in tokens(COMMONMARK, shown) if t.type == "text")
    forged = {int(n) for n in re.findall(r"\[(\d+)\]", prose)} - set(numbers)
    return unsafe(shown, {HOST}) + [f"no source: {n}" for n in sorted(forged)]


# --- in the prompt ------------------------------------------------------------


class Model(Protocol):
    """What streams an answer."""

    def stream(self, prompt: Prompt) -> AsyncIterator[Piece]: ...


def _as_question(text: str) -> tuple[Question, list[Passage]]:
    return Question(visible(text).strip()[:_MOST_QUESTION]), PASSAGES


def _as_history(text: str) -> tuple[Question, list[Passage]]:
    said = visible(text).strip()[:_MOST_QUESTION]
    history = (Turn(Role.USER, said), Turn(Role.ASSISTANT, said))
    # As the API's door has it: a turn that says nothing is left out.
    return Question("What now?", history if said else ()), PASSAGES


def _as_passage(text: str) -> tuple[Question, list[Passage]]:
    return Question("What now?"), [passage(text), *PASSAGES]


def _as_title(text: str) -> tuple[Question, list[Passage]]:
    return Question("What now?"), [passage(title=text), *PASSAGES]


PLACES: dict[str, Callable[[str], tuple[Question, Sequence[Passage]]]] = {
    "question": _as_question,
    "history": _as_history,
    "passage": _as_passage,
    "title": _as_title,
}

_RULES = compose(Question("x"), (), marker="0" * 32, site_name="Site").system


async def faults_when_obeyed(model: Model, place: str, text: str) -> list[str]:
    """What is wrong with the answer of a model that does what the text says."""
    question, passages = PLACES[place](text)
    marker = secrets.token_hex(16)
    history = recent(question.history, max_chars=HISTORY_CHARS)
    asked = replace(question, history=history)
    prompt = compose(asked, passages, marker=marker, site_name="Site")
    events: list[Event] = []
    with suppress(ContentFiltered, UpstreamBadResponse):  # stopped, or nothing was said
        watch = LeakWatch(prompt.canary)
        async for event in grounded(model.stream(prompt), Ground(tuple(passages), ENGLISH), watch):
            events.append(event)  # noqa: PERF401 - what came before it was stopped counts
    shown, numbers = _read(events)
    leaked = [secret for secret in (prompt.canary, marker) if secret in shown]
    return _unsafe(shown, numbers) + ["the rules leak" for _ in leaked]


async def faults_in_prompt(model: Model, place: str, text: str) -> list[str]:
    """What is wrong with the request that reaches a model which echoes it."""
    question, passages = PLACES[place](text)
    marker = secrets.token_hex(16)
    prompt = compose(question, passages, marker=marker, site_name="Site")
    echoed = json.loads("".join([piece.text async for piece in model.stream(prompt)]))
    said = [(c["role"], _text(c)) for c in echoed["contents"]]
    wrong = [] if _text(echoed["systemInstruction"]) == _RULES else ["the rules have changed"]
    if [turn[1] for turn in said[:-1]] != [turn.text for turn in question.history]:
        wrong.append("a turn is not where it was said")
    return wrong + _fence_breaks(said[-1][1], marker, question, passages)


def _text(content: dict[str, Any]) -> str:
    return "".join(part["text"] for part in content["parts"])


def _fence_breaks(
    turn: str, marker: str, question: Question, passages: Sequence[Passage]
) -> list[str]:
    labels = [f"passage {n}" for n in range(1, len(passages) + 1)] + ["question"]
    fences = [f"--- {marker} {end}{label} ---" for label in labels for end in ("", "end of ")]
    wrong = [] if turn.count(marker) == len(fences) else ["the marker is somewhere else"]
    if [line for line in turn.split("\n") if marker in line] != fences:
        wrong.append("the fences are not where they belong")
    bodies = re.findall(
        rf"^--- {marker} [a-z]+(?: \d+)? ---\n(.*?)\n--- {marker} end",
        turn,
        re.DOTALL | re.MULTILINE,
    )
    expected = [visible(p.chunk.text) for p in passages]
    heads = [body.partition("\n\n") for body in bodies[:-1]]
    if [head[2] for head in heads] != expected or bodies[-1:] != [question.text]:
        wrong.append("a text is not inside its fences")
    wrong += ["a title is no line" for head in heads if "\n" in head[0]]
    return wrong
