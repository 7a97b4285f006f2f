from collections.abc import Sequence
from dataclasses import replace

from docchat.core.ground import Ground
from docchat.core.models import Finish, Outcome, Passage, Sources, TextDelta, Usage
from docchat.core.search_answer import not_found, search_answer
from docchat.core.wording import ENGLISH
from tests.fakes import passages


def ground(found: Sequence[Passage], *hosts: str) -> Ground:
    return Ground(tuple(found), ENGLISH, frozenset(hosts))


def test_the_best_five_places_are_listed_with_their_sources() -> None:
    sources, text, finish = search_answer(ground(passages(8)), ENGLISH.search_only)
    assert isinstance(sources, Sources)
    assert [source.n for source in sources.sources] == [1, 2, 3, 4, 5]
    assert isinstance(text, TextDelta)
    assert text.text.splitlines()[:3] == [ENGLISH.search_only, "", "- Page 1 › Part [1]"]
    assert finish == Finish(Outcome.DEGRADED, Usage())


def test_a_place_is_listed_once() -> None:
    twice = (*passages(2), *passages(2))
    sources = search_answer(ground(twice), ENGLISH.search_only)[0]
    assert isinstance(sources, Sources)
    assert [source.url for source in sources.sources] == [p.chunk.url for p in passages(2)]


def test_a_number_in_a_title_is_no_citation() -> None:
    title = "Array[2] and [^3]"
    named = [replace(p, chunk=replace(p.chunk, title=title)) for p in passages(2)]
    *sources, text, _ = search_answer(ground(named), ENGLISH.search_only)
    assert isinstance(text, TextDelta)
    assert text.text.splitlines()[2] == "- Array(2) and (^3) › Part [1]"
    assert [s.n for e in sources if isinstance(e, Sources) for s in e.sources] == [1, 2]


def test_what_is_not_found_names_three_pages_and_nothing_where_there_is_none() -> None:
    sources, text, finish = not_found(ground(passages(8)), Usage(1, 2))
    assert isinstance(sources, Sources)
    assert [source.n for source in sources.sources] == [1, 2, 3]
    assert isinstance(text, TextDelta)
    assert text.text.startswith(f"{ENGLISH.not_found} {ENGLISH.closest}\n\n- Page 1 › Part [1]\n")
    assert finish == Finish(Outcome.NOT_FOUND, Usage(1, 2))
    assert not_found(ground([]), Usage())[0] == TextDelta(ENGLISH.not_found)


def test_a_hostile_title_makes_no_link_and_no_second_line() -> None:
    first = passages(1)[0]
    title = "[A](https://evil.example)\n<b> " + "long " * 100
    hostile = replace(first, chunk=replace(first.chunk, title=title))
    text = search_answer(ground([hostile]), ENGLISH.search_only)[1]
    assert isinstance(text, TextDelta)
    line = text.text.splitlines()[-1]
    assert line.startswith("- A (`evil.example`) &lt;b> long")
    assert line.endswith(" … [1]")
    assert len(line) < 230


def test_the_owners_words_link_where_answers_may_link() -> None:
    intro = "Ask [us](https://help.example/ask)."
    linked, plain = (
        search_answer(ground(passages(1), *hosts), intro)[-2] for hosts in (["help.example"], [])
    )
    assert isinstance(linked, TextDelta)
    assert isinstance(plain, TextDelta)
    assert linked.text.startswith(intro)
    assert "](https://help.example" not in plain.text
