"""Turns that ask nothing of the documentation: greetings, thanks, "who are you", nothing at all.

They get a short, kind answer of ours. A model would guess at the docs instead, and be paid for.
"""

import re

from docchat.core.wording import Wording

_WORDS = re.compile(r"[^\W_]+", re.UNICODE)
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_MOST_UNSPACED = 4


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GREETINGS = _set(
    "hi hello hey hiya howdy greetings yo hallo hola bonjour salut ciao ola olá moin servus hej"
    " namaste привет здравствуйте привіт こんにちは 你好 안녕하세요"
)
_THANKS = _set(
    "thanks thank thx ty cheers danke merci gracias grazie obrigado obrigada bedankt dank tack tak"
    " arigato спасибо дякую ありがとう 谢谢 감사합니다"
)
_FILLERS = _set(
    "there you very much so a lot all everyone again bot assistant docchat for the your help"
    " good morning afternoon evening day to and ok okay great perfect that this was it helped me"
    " sehr vielen beaucoup muchas mille schön bitte"
)
_IDENTITY = frozenset(
    {
        "wer bist du",
        "wer sind sie",
        "quién eres",
        "qui es tu",
        "qui êtes vous",
        "chi sei",
        "quem é você",
        "wie ben jij",
        "who are you",
        "what are you",
        "what is this",
        "are you a bot",
        "are you human",
        "are you a human",
        "are you an ai",
        "what can you do",
        "what do you do",
        "help",
        "how do you work",
        "how does this work",
    }
)


def reply(text: str, wording: Wording, *, site_name: str) -> str | None:
    """Our own answer to such a turn, or None when it asks something."""
    said = _said(_WORDS.findall(text.lower()), wording)
    return said and said.replace("{site}", site_name)


def _said(words: list[str], wording: Wording) -> str | None:
    if not words:
        return wording.ask
    if " ".join(words) in _IDENTITY:
        return wording.about
    if _only(words, _THANKS):
        return wording.welcome
    if _only(words, _GREETINGS) or words in (["good", "morning"], ["good", "evening"]):
        return wording.hello
    return None


def is_one_word(text: str) -> bool:
    """Whether the turn is a single word, which names a topic but asks nothing yet.

    Chinese, Japanese and Thai have no spaces between words: up to four letters count as one.
    """
    unspaced = len(_UNSPACED.findall(text))
    return len(text.split()) == 1 and unspaced <= _MOST_UNSPACED and not set(text) & set("?\uff1f")


def _only(words: list[str], kind: frozenset[str]) -> bool:
    return any(word in kind for word in words) and all(w in kind or w in _FILLERS for w in words)
