"""Take every text of the hostile sets for a question, a passage, a title and a model's answer.

    DOCCHAT_TEST_DATA=FOLDER python -m scripts.injection

Prints how many texts of each set were held off in each place, and how many of real documentation's
passages the output filter leaves as they are. No model is asked: one emulator echoes its prompt,
one does what any text in it says, and an answer is taken to be whatever an attacker wants it to be.

Exit codes: 0 all held off, 1 some were not, 2 the data is missing.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from docchat.providers.gemini import Gemini
from emulators.gemini import create_app
from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from tests.core.rendered import shown
from tests.injection.attacks import benign, hostile
from tests.injection.checks import (
    PLACES,
    faults_as_output,
    faults_in_prompt,
    faults_when_obeyed,
    filtered,
    rolls,
)

OK, FAILED, NO_DATA = 0, 1, 2
_MODEL = "gemini-3.8-flash"
_AT_ONCE = 20
_MOST_CHANGED = 0.01

Held = dict[str, list[str]]
"""Place → the texts that were not held off there, with what went wrong."""
Check = Callable[[Gemini, str, str], Awaitable[list[str]]]


def main() -> int:
    """Run all sets; returns the exit code."""
    folder = Path(os.environ.get("DOCCHAT_TEST_DATA", ""))
    if not (folder / "hostile").is_dir():
        print("Set DOCCHAT_TEST_DATA to the folder with hostile/ and retrieval/.", file=sys.stderr)
        return NO_DATA
    console = Console()
    held = _attack(console, hostile(folder / "hostile"))
    left_alone = _leave_alone(console, folder / "retrieval/docs_corpus.jsonl")
    return OK if held and left_alone else FAILED


def _attack(console: Console, sets: dict[str, list[str]]) -> bool:
    table = Table("set", "the model", *PLACES, "output", title="held off")
    bad: list[str] = []
    with _model("echo") as echo, _model("obey") as obey:
        for name, texts in sets.items():
            rows = {
                "echoes": asyncio.run(_asked(echo, faults_in_prompt, texts)),
                "obeys": asyncio.run(_asked(obey, faults_when_obeyed, texts)),
            }
            rows["obeys"]["output"] = _as_output(texts)
            for model, failed in rows.items():
                held = [f"{len(texts) - len(found)}/{len(texts)}" for found in failed.values()]
                table.add_row(name, model, *held)
                bad += [f"{name}, {place}: {w}" for place, found in failed.items() for w in found]
    console.print(table)
    _list(console, bad)
    return not bad


@contextmanager
def _model(mode: str) -> Iterator[str]:
    """The address of an emulator whose every answer is in that mode."""
    app = create_app()
    app.state.faults.add("streamGenerateContent", generation(mode=mode))
    with serve_in_thread(app) as url:
        yield url


async def _asked(url: str, faults: Check, texts: Iterable[str]) -> Held:
    model = Gemini(SecretStr("k"), embedding_model="-", generative_model=_MODEL, base_url=url)
    free = asyncio.Semaphore(_AT_ONCE)

    async def ask(place: str, text: str) -> list[str]:
        async with free:
            return [f"{what}: {text!r}" for what in await faults(model, place, text)][:1]

    async with aclosing(model):
        found = {p: await asyncio.gather(*(ask(p, text) for text in texts)) for p in PLACES}
    return {place: [what for one in all_ for what in one] for place, all_ in found.items()}


def _as_output(texts: Iterable[str]) -> list[str]:
    found = [(text, faults_as_output(text, rolls(text))) for text in texts]
    return [f"{wrong[0]}: {text!r}" for text, wrong in found if wrong]


def _leave_alone(console: Console, corpus: Path) -> bool:
    table = Table("site", "passages", "as they were", title="real documentation")
    changed: list[str] = []
    total = 0
    for site, passages in benign(corpus).items():
        differing = [_difference(text, host) for text, host in passages]
        found = [f"{site}: {what}" for what in differing if what]
        table.add_row(site, str(len(passages)), str(len(passages) - len(found)))
        changed, total = [*changed, *found], total + len(passages)
    console.print(table)
    _list(console, changed)
    return len(changed) <= _MOST_CHANGED * total


def _difference(text: str, host: str) -> str:
    """Where a reader's text begins to differ; empty if it does not."""
    before, after = shown(text), shown(filtered([text], [host])[0])
    if before == after:
        return ""
    at = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    return f"{before[max(0, at - 30) : at + 40]!r} became {after[max(0, at - 30) : at + 40]!r}"


def _list(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line[:400], markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
