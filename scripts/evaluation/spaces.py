"""Where vectors come from: the settings, or a model on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from docchat.answering import Policy
from docchat.clients import Generator
from docchat.runtime import Runtime
from scripts.console import say
from scripts.evaluation.rankers import Embedder
from scripts.evaluation.vectors import MiniLM
from scripts.local import EMULATOR_NOTICE, is_emulated, local_environment


@dataclass(frozen=True, slots=True)
class Chat:
    """What answers, and by which rules."""

    generator: Generator
    policy: Policy


@dataclass(frozen=True, slots=True)
class Space:
    """A space of vectors.

    Attributes:
        name: the embedding model's.
        dimension: the vectors' length.
        embedder: makes them.
        chat: answers questions; None where there is no model for it.
    """

    name: str
    dimension: int
    embedder: Embedder
    chat: Chat | None = None


@asynccontextmanager
async def space(kind: str, folder: Path, console: Console) -> AsyncIterator[Space]:
    """Open a space for the length of the block.

    Args:
        kind: `minilm` or `settings`: Gemini, or the emulator where there is no key.
        folder: where vectors of this machine's model are kept.
        console: told of the emulator.

    Raises:
        Misconfigured: a setting is wrong.
    """
    if kind == "minilm":
        model = MiniLM(folder / "minilm.sqlite")
        try:
            yield Space(model.name, model.dimension, model)
        finally:
            model.close()
        return
    with local_environment() as variables:
        if is_emulated(variables):
            say(console, EMULATOR_NOTICE, style="yellow")
        runtime = Runtime()
        try:
            yield await _of_settings(runtime)
        finally:
            await runtime.aclose()


async def _of_settings(runtime: Runtime) -> Space:
    settings, gemini = runtime.settings, await runtime.gemini()
    policy = Policy(settings.site_name, settings.context_chars, settings.abstain_below)
    return Space(
        settings.embedding_model, settings.embedding_dimension, gemini, Chat(gemini, policy)
    )
