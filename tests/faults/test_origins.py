"""Which pages may ask: origins that look like the listed ones, and those that are."""

import pytest

from tests.faults.bench import LISTED_ORIGINS, Bench
from tests.faults.rows import problem
from tests.faults.wire import Answer, post, request

NOT_LISTED = (
    "null",
    "*",
    "https://",
    "docs.example.com",
    "//docs.example.com",
    "http://docs.example.com",
    "ftp://docs.example.com",
    "file://docs.example.com",
    "wss://docs.example.com",
    "https://docs.example.com:443",
    "https://docs.example.com:8443",
    "https://docs.example.com:",
    "https://docs.example.com/",
    "https://docs.example.com/chat",
    "https://docs.example.com?",
    "https://docs.example.com#",
    "https://docs.example.com.",
    "https://docs.example.com.evil.example",
    "https://docs.example.comevil.example",
    "https://evil-docs.example.com",
    "https://evildocs.example.com",
    "https://evil.docs.example.com",
    "https://example.com",
    "https://docsXexample.com",
    "https://docs.example.com@evil.example",
    "https://user@docs.example.com",
    "https://evil.example/docs.example.com",
    "https://evil.example#https://docs.example.com",
    "HTTPS://docs.example.com",
    "https://DOCS.example.com",
    "https://docs.example.com https://evil.example",
    "https://docs.example.com, https://evil.example",
    "https://docs.exam\u00adple.com".encode().decode("latin-1"),
    "https://docs.ex\u0430mple.com".encode().decode("latin-1"),  # a Cyrillic a
    "https://b\u00fccher.example".encode().decode("latin-1"),
    "http://localhost",
    "http://127.0.0.1:3000",
)


def asked(bench: Bench, origin: str) -> list[Answer]:
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    return [
        bench.origins.ask(post({"query": "hello"}, {"origin": origin})),
        bench.origins.ask(request("OPTIONS", headers=preflight)),
        bench.origins.ask(request("GET", headers={"origin": origin})),
    ]


def test_there_are_forty_origins() -> None:
    assert len({*LISTED_ORIGINS, *NOT_LISTED}) == 40


@pytest.mark.parametrize("origin", LISTED_ORIGINS)
def test_a_listed_origin_may_ask_and_read(bench: Bench, origin: str) -> None:
    for answer in asked(bench, origin):
        assert answer.status < 300
        assert answer.headers.get_all("access-control-allow-origin") == [origin]
        assert answer.header("vary") == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", NOT_LISTED)
def test_any_other_origin_is_refused_and_not_reflected(bench: Bench, origin: str) -> None:
    for answer in asked(bench, origin):
        assert problem(answer) == "origin-not-allowed"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.header("vary") == "Origin"
        assert len(origin) < 8 or origin not in str(answer.headers)
        assert len(origin) < 8 or origin not in answer.body.decode()
