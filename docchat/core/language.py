"""Which of a few languages a question is in.

Only a site's own languages come into question, and they are few: their scripts and their most
frequent words tell them apart. A question without any of these words is in no known language.
"""

import re
from collections.abc import Collection
from unicodedata import name

_FREQUENT = {
    "cs": "a v na je se jak co pro proč jsou není mohu můžu když kde nebo ale z do s ahoj děkuji",
    "da": "og i er det at hvordan hvad jeg ikke kan med til på hvor hvorfor en et af der hej tak",
    "de": "der die das und ist wie was ich nicht kann mit ein eine zu für auf wo warum den dem"
    " welche welcher welches wer wann gibt es hat sind wird man mein meine bei von im oder werden"
    " hallo danke guten",
    "en": "the is a of to and how what i do does can not in with my for why where when it are"
    " hello hi thanks",
    "es": "el la los de y es cómo como qué que en un una no puedo con para por dónde mi se del"
    " cuál cuáles quién cuándo hay son las está al o más hola gracias",
    "fi": "ja on ei miten mikä mitä voin kuinka onko missä miksi se en että tai voi hei kiitos",
    "fr": "le la les de et est comment que quoi je ne pas un une dans avec pour où mon des du"
    " quel quelle quels quelles qui quand il sont peut faut faire sur ou se au aux ce cette"
    " bonjour merci",
    "it": "il lo la di e è come cosa che non un una in con per posso dove perché mio del gli"
    " quale quali chi quando sono le della si al o più ciao grazie",
    "nl": "de het een en is hoe wat ik niet kan met voor op waar waarom mijn van te zijn"
    " hallo bedankt",
    "no": "og i er det å hvordan hva jeg ikke kan med til på hvor hvorfor en et av som hei takk",
    "pl": "i w na jest jak co nie się do z dla czy mogę gdzie dlaczego to mój są cześć dziękuję",
    "pt": "o a os de e é como que não um uma em com para posso onde por meu do da são eu"
    " qual quais quem quando há as na no se mais olá obrigado obrigada",
    "sv": "och i är det att hur vad jag inte kan med till på var varför en ett av som hej tack",
    "ru": "и в не на что как это для из по я мне где почему можно ли есть",
    "tr": "ve bir bu ne nasıl için mi mı neden nerede ile değil var yok olarak merhaba teşekkürler",
    "uk": "і в не на що як це для з по я мені де чому можна чи є та",  # noqa: RUF001 - it is Cyrillic
}
_WORDS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}

_SCRIPTS = {
    "ar": "ARABIC",
    "el": "GREEK",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "ja": "HIRAGANA",
    "ko": "HANGUL",
    "ru": "CYRILLIC",
    "th": "THAI",
    "uk": "CYRILLIC",
    "zh": "CJK",
}
KNOWN = frozenset(_FREQUENT) | frozenset(_SCRIPTS)
"""The codes of the languages that can be told."""

_FOREIGN = {"ru": "іїєґ", "uk": "ыэъё"}
"""Letters of a script that a language does not have."""

_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str, among: Collection[str]) -> str | None:
    """The language of these that the text is in, by its code; None when that is not clear.

    Args:
        text: a question.
        among: codes such as `de` or `pt-br`; one without a known script or words is never found.
    """
    scores = {code: _score(text, code.partition("-")[0].lower()) for code in among}
    best = max(scores.values(), default=0)
    found = [code for code, score in scores.items() if score == best]
    return found[0] if best and len(found) == 1 else None


def _score(text: str, language: str) -> int:
    """How much speaks for it: letters of its own script, and frequent words."""
    if not set(_FOREIGN.get(language, "")).isdisjoint(text.lower()):
        return 0
    frequent = _WORDS.get(language, frozenset())
    known = sum(word in frequent for word in _WORD.findall(text.lower()))
    return known + _letters(text, _SCRIPTS[language]) if language in _SCRIPTS else known


def _letters(text: str, script: str) -> int:
    scripts = [name(letter, "").partition(" ")[0] for letter in text if ord(letter) > 0x7F]  # noqa: PLR2004 - beyond ASCII
    if script == "CJK" and "HIRAGANA" in scripts:
        return 0  # Japanese has the same characters
    return scripts.count(script)
