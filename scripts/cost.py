"""What one answer can cost at most, with the settings as they are.

    python -m scripts.cost

An upper bound for one call of the model: every limit at once, one token for every three bytes.
"""

import sys

from docchat.answering import HISTORY_CHARS, PASSAGES
from docchat.core.models import Chunk, Passage, Question, Role, Turn
from docchat.core.prompt import MOST_BREADCRUMB, compose, most_tokens
from docchat.errors import Misconfigured
from docchat.settings import Settings, environment
from docchat.web.requests import MAX_MESSAGE_CHARS

OK, MISUSED = 0, 2


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
    given, written = highest_tokens(settings)
    print(
        f"One answer of {settings.generative_model}: at most {given} tokens in, {written} out,"
        f" ${highest_cost(settings):.4f}."
    )
    return OK


if __name__ == "__main__":
    sys.exit(main())
