import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.language import language_of

ASKED = {
    "cs": "Jak můžu obnovit zálohu a kde je konfigurace?",
    "da": "Hvordan kan jeg gendanne en sikkerhedskopi, og hvor er det?",
    "de": "Wie kann ich das Backup wiederherstellen?",
    "en": "How do I restore the backup?",
    "es": "¿Cómo puedo restaurar la copia de seguridad?",
    "fi": "Miten voin palauttaa varmuuskopion ja missä se on?",
    "fr": "Comment est-ce que je restaure la sauvegarde ?",
    "it": "Come posso ripristinare il backup e dove lo trovo?",
    "ja": "バックアップを復元するには?",
    "ko": "백업을 어떻게 복원하나요?",
    "nl": "Hoe kan ik een back-up terugzetten en waar vind ik het?",
    "pl": "Jak mogę przywrócić kopię i gdzie jest konfiguracja?",
    "pt": "Como eu posso restaurar uma cópia de segurança?",
    "ru": "Как восстановить резервную копию?",
    "sv": "Hur kan jag återställa en säkerhetskopia och var är den?",
    "tr": "Yedeği nasıl geri yüklerim ve bu dosya nerede?",
    "zh": "如何恢复备份?",
}


@pytest.mark.parametrize("language", ASKED)
def test_a_question_is_known_by_its_script_or_its_frequent_words(language: str) -> None:
    assert language_of(ASKED[language], ASKED) == language


@pytest.mark.parametrize("text", ["", "ImagePullBackOff", "42", "kubectl logs -f", "🤷"])
def test_what_has_no_frequent_word_is_in_no_known_language(text: str) -> None:
    assert language_of(text, ASKED) is None


def test_russian_and_ukrainian_are_told_apart() -> None:
    both = ("ru", "uk")
    assert language_of("Как восстановить резервную копию?", both) == "ru"
    assert language_of("Як відновити резервну копію?", both) == "uk"


def test_a_greeting_has_a_language_too() -> None:
    assert language_of("Hola!", ASKED) == "es"
    assert language_of("danke", ASKED) == "de"


def test_only_languages_that_come_into_question_are_found() -> None:
    assert language_of(ASKED["de"], ["fr", "ja"]) is None
    assert language_of(ASKED["de"], []) is None
    assert language_of(ASKED["pt"], ["pt-br", "en"]) == "pt-br"
    assert language_of(ASKED["de"], ["xx", "de"]) == "de"


def test_two_that_speak_as_much_for_it_are_none() -> None:
    assert language_of("et", ["da", "no"]) is None


@given(st.text(max_size=80))
def test_any_text_is_looked_at(text: str) -> None:
    assert language_of(text, ASKED) in {None, *ASKED}


def test_real_english_questions_are_english(test_data: Path) -> None:
    lines = (test_data / "retrieval/docs_queries.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines]
    assert len(asked) > 100
    wrong = [text for text in asked if language_of(text, ASKED) not in {"en", None}]
    assert len(wrong) <= 0.03 * len(asked), wrong
