from dataclasses import replace

from docchat.core.models import Finish, Outcome, Sources, TextDelta, Usage
from docchat.core.search_answer import SEARCH_ONLY, search_answer
from tests.fakes import passages


def test_the_best_five_places_are_listed_with_their_sources() -> None:
    sources, text, finish = search_answer(passages(8), SEARCH_ONLY)
    assert isinstance(sources, Sources)
    assert [source.n for source in sources.sources] == [1, 2, 3, 4, 5]
    assert isinstance(text, TextDelta)
    assert text.text.splitlines()[:3] == [SEARCH_ONLY, "", "- Page 1 › Part [1]"]
    assert finish == Finish(Outcome.DEGRADED, Usage())


def test_a_place_is_listed_once() -> None:
    twice = (*passages(2), *passages(2))
    sources = search_answer(twice, SEARCH_ONLY)[0]
    assert isinstance(sources, Sources)
    assert [source.url for source in sources.sources] == [p.chunk.url for p in passages(2)]


def test_a_hostile_title_makes_no_link_and_no_second_line() -> None:
    first = passages(1)[0]
    title = "[A](https://evil.example)\n<b> " + "long " * 100
    hostile = replace(first, chunk=replace(first.chunk, title=title))
    text = search_answer([hostile], SEARCH_ONLY)[1]
    assert isinstance(text, TextDelta)
    line = text.text.splitlines()[-1]
    assert line.startswith("- A (`evil.example`) &lt;b> long")
    assert line.endswith(" … [1]")
    assert len(line) < 230
