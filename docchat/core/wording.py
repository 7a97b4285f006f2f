"""What docchat itself says to a visitor, in the languages that the site's owner gave."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docchat.core.language import language_of
from docchat.core.models import Question

_Words = Annotated[str, Field(min_length=1, max_length=500)]


class Wording(BaseModel):
    """The fixed sentences of one language; what is not given stays in English.

    Attributes:
        hello: to a greeting; `{site}` stands for the site's name, here and in the next three.
        welcome: to thanks.
        about: to "who are you".
        ask: to a turn without a word.
        not_found: the docs do not cover the question.
        closest: before the pages that come closest to it.
        refused: the model would not answer, for safety.
        cut: behind an answer that reached its longest permitted length.
        search_only: before search results, where the site shows no answers.
        over_budget: before search results, when the day's budget is used up.
        one_word: before search results for a single word.
        searching: while the answer is waited for, where the protocol has a place for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    hello: _Words = "Hello! What would you like to know about {site}?"
    welcome: _Words = "You are welcome! Is there anything else you would like to know?"
    about: _Words = (
        "I am an assistant that answers questions about {site} from its documentation,"
        " and names the pages I used. What would you like to know?"
    )
    ask: _Words = "What would you like to know about {site}?"
    not_found: _Words = "I could not find an answer to that in this documentation."
    closest: _Words = "These pages come closest to it:"
    refused: _Words = "I cannot answer that question."
    cut: _Words = "*The answer is cut off here, because it reached its longest permitted length.*"
    search_only: _Words = "These pages may help:"
    over_budget: _Words = "I cannot write an answer right now, but these pages may help:"
    one_word: _Words = (
        "Could you tell me a little more about what you want to know? These pages mention it:"
    )
    searching: _Words = "Searching the documentation…"


ENGLISH = Wording()


def wording_for(question: Question, wordings: Mapping[str, Wording]) -> Wording:
    """The wording in the question's language, else in that of the visitor's page, else English.

    Args:
        question: what was asked, and where.
        wordings: by language, as `de` or `pt-br`.
    """
    known = {"en": ENGLISH, **wordings}
    spoken = language_of(question.text, known)
    page = (question.scope.locale or "").lower().replace("_", "-")
    for language in (spoken, page, page.partition("-")[0]):
        if language in known:
            return known[language]
    return known["en"]
