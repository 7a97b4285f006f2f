"""What chats cost, as the page about limits has it."""

import pytest

from docchat.settings import Settings
from scripts.cost import dollars, highest_cost, usual
from tests.servers import ROOT

PAGE = (ROOT / "docs/limits.md").read_text()


@pytest.mark.parametrize("questions", [1, 3, 10])
def test_the_page_has_the_table_that_the_command_prints(questions: int) -> None:
    settings = Settings()
    chat = usual(settings, questions)
    price = f"${dollars(chat, settings):,.2f}"
    assert f"| {chat.what} | {chat.given:,} | {chat.written:,} | {price} |" in PAGE


def test_the_page_has_the_highest_cost_of_one_answer() -> None:
    assert f"${highest_cost(Settings()):.4f}" in PAGE


def test_a_thousand_chats_follow_the_prices() -> None:
    free = Settings(price_input_per_million=0, price_output_per_million=0)
    chat = usual(free, 1)
    assert dollars(chat, free) == pytest.approx(chat.embedded * 0.15 / 1000)
    dear = Settings(price_input_per_million=1, price_output_per_million=0)
    assert dollars(chat, dear) - dollars(chat, free) == pytest.approx(chat.given / 1000)


def test_every_further_question_costs_more_than_the_first() -> None:
    settings = Settings()
    one, three = (dollars(usual(settings, n), settings) for n in (1, 3))
    assert three > 3 * one
