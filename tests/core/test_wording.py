import pytest

from docchat.core.models import Question, Scope
from docchat.core.wording import ENGLISH, Wording, wording_for

GERMAN, FRENCH = Wording(refused="Nein."), Wording(refused="Non.")
WORDINGS = {"de": GERMAN, "fr": FRENCH}


@pytest.mark.parametrize(
    ("text", "locale", "wording"),
    [
        ("Wie geht das?", "", GERMAN),
        ("Wie geht das?", "fr", GERMAN),
        ("How does it work?", "de", ENGLISH),
        ("ImagePullBackOff", "de", GERMAN),
        ("ImagePullBackOff", "fr-CH", FRENCH),
        ("ImagePullBackOff", "fr_ch", FRENCH),
        ("ImagePullBackOff", "it", ENGLISH),
        ("ImagePullBackOff", "", ENGLISH),
    ],
)
def test_the_questions_language_comes_before_the_pages(
    text: str, locale: str, wording: Wording
) -> None:
    assert wording_for(Question(text, scope=Scope(locale=locale)), WORDINGS) is wording


def test_english_can_be_worded_anew() -> None:
    mine = Wording(refused="I'd rather not.")
    assert wording_for(Question("How does it work?"), {"en": mine}) is mine
    assert mine.not_found == ENGLISH.not_found
