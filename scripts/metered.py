"""A model that counts what it costs, and is not asked what could go over a budget."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from docchat.clients import Generator
from docchat.core.models import Piece, Prompt, Usage, Vector
from docchat.core.prompt import most_tokens
from docchat.settings import Settings
from scripts.evaluation.rankers import Embedder

_CHARS_PER_TOKEN = 4


class BudgetSpent(Exception):
    """The next call could go over the budget."""


class Meter:
    """Dollars that may be spent, and that were.

    Attributes:
        budget_usd: the most.
        spent_usd: so far; by Gemini's own count of tokens where it gave one.
    """

    def __init__(self, budget_usd: float, settings: Settings) -> None:
        self.budget_usd = budget_usd
        self.spent_usd = 0.0
        self._settings = settings

    def most(self, prompt: Prompt) -> float:
        """Dollars that the answer to a prompt can cost at most; raises `BudgetSpent`."""
        usage = Usage(most_tokens(prompt), self._settings.max_output_tokens)
        return self._affordable(self._dollars(usage))

    def embed(self, texts: Sequence[str]) -> None:
        """Pay for embeddings, four characters to a token; raises `BudgetSpent`."""
        tokens = sum(map(len, texts)) / _CHARS_PER_TOKEN
        price = self._settings.price_embedding_per_million / 1_000_000
        self.spent_usd += self._affordable(tokens * price)

    def answered(self, usage: Usage | None, most_usd: float) -> None:
        """Pay for an answer; one whose tokens nobody counted costs the most it can."""
        self.spent_usd += self._dollars(usage) if usage else most_usd

    def _affordable(self, dollars: float) -> float:
        if self.spent_usd + dollars > self.budget_usd:
            raise BudgetSpent
        return dollars

    def _dollars(self, usage: Usage) -> float:
        given = usage.input_tokens * self._settings.price_input_per_million
        written = usage.output_tokens * self._settings.price_output_per_million
        return (given + written) / 1_000_000


class Metered:
    """A generator and an embedder behind a meter.

    Raises `BudgetSpent` in place of a call that could go over it.
    """

    def __init__(self, generator: Generator, embedder: Embedder, meter: Meter) -> None:
        self._generator = generator
        self._embedder = embedder
        self._meter = meter

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """As `Generator.stream`."""
        most = self._meter.most(prompt)
        usage: Usage | None = None
        try:
            async with aclosing(self._generator.stream(prompt)) as pieces:
                async for piece in pieces:
                    usage = piece.usage or usage
                    yield piece
        finally:
            self._meter.answered(usage, most)

    async def embed_query(self, text: str) -> Vector:
        """As `QueryEmbedder.embed_query`."""
        self._meter.embed([text])
        return await self._embedder.embed_query(text)

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """As `DocumentEmbedder.embed_documents`."""
        self._meter.embed(texts)
        return await self._embedder.embed_documents(texts)
