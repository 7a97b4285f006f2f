import pytest

from docchat.core.small_talk import is_one_word, reply
from docchat.core.wording import ENGLISH, Wording


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("Hi!", "Hello!"),
        ("hello there", "Hello!"),
        ("Good morning", "Hello!"),
        ("thanks", "welcome"),
        ("Thank you very much, that was great", "welcome"),
        ("who are you?", "assistant"),
        ("HELP", "assistant"),
        ("", "What would you like to know"),
        ("?!", "What would you like to know"),
        ("🙂", "What would you like to know"),
        ("Vielen Dank!", "welcome"),
        ("Привет", "Hello!"),
        ("wer bist du?", "assistant"),
    ],
)
def test_a_turn_that_asks_nothing_gets_kind_words(said: str, part: str) -> None:
    answer = reply(said, ENGLISH, site_name="Redux")
    assert answer is not None
    assert part in answer


@pytest.mark.parametrize(
    "said",
    [
        "how do I say hello world?",
        "what is this error about?",
        "thanks, but how do I install it?",
        "hi, where is the changelog",
        "what can you do with selectors?",
        "help me install it",
        "why?",
        "安装",
        "store",
    ],
)
def test_a_turn_that_asks_something_is_left_to_the_docs(said: str) -> None:
    assert reply(said, ENGLISH, site_name="Redux") is None


def test_the_owners_own_words_name_the_site_too() -> None:
    wording = Wording(hello="Hallo, hier ist {site}.", welcome="Gern!")
    assert reply("Hallo", wording, site_name="Redux") == "Hallo, hier ist Redux."
    assert reply("danke", wording, site_name="Redux") == "Gern!"


def test_one_word_is_one_word() -> None:
    assert is_one_word(" createStore ")
    assert not is_one_word("create store")
