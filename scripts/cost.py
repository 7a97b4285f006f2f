"""What a thousand chats cost, and what one answer can cost at most, with the settings as they are.

    python -m scripts.cost

A usual question has 80 characters, its passages 700 each with a title of 60, up to CONTEXT_CHARS;
a usual answer has 1,000, and the model thinks for 150 tokens. Four characters count as one token.
The upper bound has every limit at once, and one token for every three bytes.
"""

import sys
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from docchat.answering import HISTORY_CHARS, PASSAGES
from docchat.core.conversation import recent, search_text
from docchat.core.models import Chunk, Passage, Question, Role, Turn
from docchat.core.prompt import MOST_BREADCRUMB, compose, most_tokens
from docchat.errors import Misconfigured
from docchat.settings import Settings, environment
from docchat.web.requests import MAX_MESSAGE_CHARS

OK, MISUSED = 0, 2

_CHARS_A_TOKEN = 4
_QUESTION, _PASSAGE, _TITLE, _ANSWER = "q" * 80, "p" * 700, "t" * 60, "a" * 1000
_THINKING_TOKENS = 150
_CHATS = 1000


class Chat(NamedTuple):
    """One kind of conversation, in tokens of the whole of it.

    Attributes:
        embedded: the embedding model's.
        given: the model's input.
        written: its output, thinking included.
    """

    what: str
    embedded: int = 0
    given: int = 0
    written: int = 0


def usual(settings: Settings, questions: int) -> Chat:
    """A conversation of so many questions, each answered."""
    given = embedded = 0
    history: tuple[Turn, ...] = ()
    for _ in range(questions):
        asked = Question(_QUESTION, recent(history, max_chars=HISTORY_CHARS))
        given += _prompt_chars(asked, settings) // _CHARS_A_TOKEN
        embedded += len(search_text(Question(_QUESTION, history))) // _CHARS_A_TOKEN
        history += (Turn(Role.USER, _QUESTION), Turn(Role.ASSISTANT, _ANSWER))
    written = questions * (len(_ANSWER) // _CHARS_A_TOKEN + _THINKING_TOKENS)
    return Chat(
        f"{questions} questions" if questions > 1 else "one question", embedded, given, written
    )


def _prompt_chars(asked: Question, settings: Settings) -> int:
    chunk = Chunk("", "", "", _TITLE, (), _PASSAGE)
    passages = [Passage(chunk, 1.0)] * min(PASSAGES, settings.context_chars // len(_PASSAGE))
    prompt = compose(asked, passages, marker="x" * 32, site_name=settings.site_name)
    return len(prompt.system) + sum(len(turn.text) for turn in prompt.turns)


def dollars(chat: Chat, settings: Settings) -> float:
    """US dollars for a thousand of them."""
    a_million = (
        chat.embedded * settings.price_embedding_per_million
        + chat.given * settings.price_input_per_million
        + chat.written * settings.price_output_per_million
    )
    return _CHATS * a_million / 1_000_000


def table(settings: Settings) -> Table:
    """A row for each kind of chat."""
    shown = Table("a chat of", "embedded", "tokens in", "tokens out", "1,000 of them", "$ each")
    embedded = len(_QUESTION) // _CHARS_A_TOKEN
    for chat in (
        usual(settings, 1),
        usual(settings, 3),
        usual(settings, 10),
        Chat("a question that the docs do not cover (ABSTAIN_BELOW)", embedded),
        Chat("a question that was asked before (CACHE_S)"),
    ):
        price = dollars(chat, settings)
        counts = (f"{count:,}" for count in (chat.embedded, chat.given, chat.written))
        shown.add_row(chat.what, *counts, f"${price:,.2f}", f"${price / _CHATS:.4f}")
    return shown


def highest_tokens(settings: Settings) -> tuple[int, int]:
    """Input and output tokens of the largest possible request, in Latin letters."""
    title = "x" * MOST_BREADCRUMB
    chunk = Chunk("", "", "", title, (), "x" * (settings.context_chars // PASSAGES))
    prompt = compose(
        Question("x" * MAX_MESSAGE_CHARS, (Turn(Role.USER, "x" * HISTORY_CHARS),)),
        [Passage(chunk, 1.0)] * PASSAGES,
        marker="x" * 32,
        site_name=settings.site_name,
        site_rules=settings.site_rules,
    )
    return most_tokens(prompt), settings.max_output_tokens


def highest_cost(settings: Settings) -> float:
    """US dollars for the largest possible request."""
    given, written = highest_tokens(settings)
    dollars = given * settings.price_input_per_million + written * settings.price_output_per_million
    return dollars / 1_000_000


def main() -> int:
    """Entry point; returns the exit code."""
    try:
        settings = Settings.from_mapping(environment())
    except Misconfigured as exc:
        print(exc, file=sys.stderr)
        return MISUSED
    Console().print(table(settings))
    given, written = highest_tokens(settings)
    print(
        f"One answer of {settings.generative_model}: at most {given} tokens in, {written} out,"
        f" ${highest_cost(settings):.4f}."
    )
    return OK


if __name__ == "__main__":
    sys.exit(main())
