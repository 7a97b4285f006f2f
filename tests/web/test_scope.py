from typing import Any

import pytest

from docchat.core.models import EVERYWHERE, Question, Scope
from docchat.errors import InvalidRequest
from docchat.web.requests import parse_question
from docchat.web.scope import parse_scope


def test_a_question_may_say_which_version_and_locale_its_page_has() -> None:
    page = {"version": "2.0", "locale": "pt-BR", "path": "/docs/2.0/intro"}
    scope = Scope("2.0", "pt-BR")
    assert parse_question({"query": "How?", "page": page}) == Question("How?", scope=scope)
    messages = [{"role": "user", "content": "How?"}]
    assert parse_question({"messages": messages, "page": page}).scope == scope


@pytest.mark.parametrize("page", [{}, {"page": None}, {"page": {}}, {"page": {"version": None}}])
def test_without_a_page_everything_is_searched(page: dict[str, Any]) -> None:
    assert parse_scope(page) == EVERYWHERE


@pytest.mark.parametrize(
    ("page", "pointers"),
    [
        ("fr", ["/page"]),
        ({"version": 2}, ["/page/version"]),
        ({"version": "x" * 101, "locale": "\ud800"}, ["/page/version", "/page/locale"]),
        ({"locale": "fr\n"}, ["/page/locale"]),
    ],
)
def test_a_page_that_cannot_be_one_is_refused_by_field(page: object, pointers: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_scope({"page": page})
    assert [error.pointer for error in caught.value.errors] == pointers
