"""Where vectors come from: the settings, or a model on this machine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from docchat.answering import Policy
from docchat.clients import Generator
from docchat.errors import Misconfigured
from docchat.runtime import Runtime
from docchat.service import policy_of
from docchat.settings import environment
from scripts.console import say
from scripts.evaluation.judge import JUDGE
from scripts.evaluation.rankers import Embedder
from scripts.evaluation.vectors import MiniLM
from scripts.local import EMULATOR_NOTICE, has_gemini_key, is_emulated, local_environment


@dataclass(frozen=True, slots=True)
class Chat:
    """What answers, by which rules, and who judges the answers, if anyone does."""

    generator: Generator
    policy: Policy
    judge: Generator | None = None


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
async def space(
    kind: str, folder: Path, console: Console, *, judge: bool = False
) -> AsyncIterator[Space]:
    """Open a space for the length of the block.

    Args:
        kind: `minilm` or `settings`: Gemini, or the emulator where there is no key.
        folder: where vectors of this machine's model are kept.
        console: told of the emulator.
        judge: whether a model judges the answers.

    Raises:
        Misconfigured: a setting is wrong, or there is no key for a judge.
    """
    if judge and not (kind == "settings" and has_gemini_key(environment())):
        raise Misconfigured("a judge needs GEMINI_API_KEY, and the embedder of the settings")
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
        async with AsyncExitStack() as stack:
            judging = await _opened(stack, GENERATIVE_MODEL=JUDGE) if judge else None
            yield await _of_settings(await _opened(stack), judging)


async def _opened(stack: AsyncExitStack, **changes: str) -> Runtime:
    runtime = Runtime(lambda: {**environment(), **changes})
    stack.push_async_callback(runtime.aclose)
    return runtime


async def _of_settings(runtime: Runtime, judging: Runtime | None) -> Space:
    settings, gemini = runtime.settings, await runtime.gemini()
    judge = await judging.gemini() if judging else None
    chat = Chat(gemini, policy_of(settings), judge)
    return Space(settings.embedding_model, settings.embedding_dimension, gemini, chat)
