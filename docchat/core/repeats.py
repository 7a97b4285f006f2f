"""Which questions are the same, so that they may share an answer."""

import hashlib

from docchat.core.models import Question


def digest(*parts: str) -> str:
    """A name for these texts that does not tell them."""
    return hashlib.blake2b("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def answer_key(question: Question, index_version: str) -> str | None:
    """Equal for questions whose answers are as good for one another; None for one with no other.

    A follow-up depends on what was said before, and who asks again wants another answer.
    """
    if question.history or question.again or not index_version:
        return None
    scope = question.scope
    return digest(index_version, " ".join(question.text.split()), scope.version, scope.locale)
