"""A chat and a reader that ask while runs are killed."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx

from docchat.core.sparse import encode_query
from docchat.errors import ServiceError
from scripts.trials.stage import DIMENSION, Stage
from tests.servers import functions_framework

_GENERATION = re.compile(r"generation-(\d+)")
_PAUSE_S = 0.05


@dataclass
class Beside:
    """What came of the questions.

    Attributes:
        answered: by the chat function, with citations.
        whole: searches of fifty passages that all came from one generation.
        wrong: everything else, in words.
    """

    answered: int = 0
    whole: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every question was answered from one whole version."""
        return not self.wrong and self.answered > 0 and self.whole > 0

    def summary(self) -> str:
        """In one line."""
        first = f", such as: {self.wrong[0]}" if self.wrong else ""
        return (
            f"beside them: {self.answered} answers, {self.whole} searches of one whole version,"
            f" {len(self.wrong)} otherwise{first}"
        )


@contextmanager
def asking(stage: Stage) -> Iterator[Beside]:
    """Ask for the length of the block."""
    beside, done = Beside(), threading.Event()
    with ExitStack() as stack:
        url = stack.enter_context(functions_framework("chat", {**stage.direct, **_CHAT}))
        threads = [
            threading.Thread(target=_chat, args=(url, beside, done)),
            threading.Thread(target=lambda: asyncio.run(_read(stage, beside, done))),
        ]
        for thread in threads:
            thread.start()
        try:
            yield beside
        finally:
            done.set()
            for thread in threads:
                thread.join()


# What is asked is whether answers are whole, not how soon they come beside all those runs.
_CHAT = {
    "RATE_LIMIT_PER_MINUTE": "0",
    "ABSTAIN_BELOW": "0",
    "ANSWER_DEADLINE_S": "300",
    "FIRST_TOKEN_DEADLINE_S": "300",
    "EMBED_TIMEOUT_S": "60",
    "SEARCH_TIMEOUT_S": "60",
    "GENERATE_TIMEOUT_S": "60",
    "IDLE_TIMEOUT_S": "60",
}


def _chat(url: str, beside: Beside, done: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=600) as client:
        while not done.wait(_PAUSE_S * 4):
            reply = client.post("/chat", json={"query": "What is topic 7 of word7x1x1?"})
            outcome = reply.json().get("outcome")
            if (reply.status_code, outcome) == (httpx.codes.OK, "answered"):
                beside.answered += 1
            else:
                beside.wrong.append(f"the chat said {reply.status_code} {outcome}")


async def _read(stage: Stage, beside: Beside, done: threading.Event) -> None:
    """One search after the other; a mixture would show two generations of changed pages."""
    index = stage.open_index()
    vector = [1.0] + [0.0] * (DIMENSION - 1)
    try:
        while not done.is_set():
            try:
                found = await index.search(vector, encode_query("generation topic part"), 50)
            except ServiceError as exc:
                beside.wrong.append(f"a search failed: {exc}")
                continue
            texts = [passage.chunk.text for passage in found.passages]
            seen = {match[1] for text in texts if (match := _GENERATION.search(text))} - {"0"}
            if len(texts) == 50 and len(seen) == 1:  # noqa: PLR2004 - as asked for
                beside.whole += 1
            else:
                beside.wrong.append(f"{len(texts)} passages of generations {sorted(seen)}")
            await asyncio.sleep(_PAUSE_S)
    finally:
        await index.aclose()
