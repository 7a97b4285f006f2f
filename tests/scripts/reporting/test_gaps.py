import json

import numpy as np
import pytest

from scripts.reporting.gaps import Gap, gaps
from scripts.trials.agreement import agreement
from scripts.trials.visits import GAPS
from tests.scripts.reporting.lines import asked, log, request

ANSWERED = [
    *asked("x1", "How do I install the command line tool?", "answered"),
    *asked("x2", "How do I change the port of the server?", "answered"),
    *asked("x3", "Where is the configuration file of the server?", "answered"),
]
BILLING = ["How do I get an invoice?", "invoice as PDF", "Where are my invoices?"]
WINDOWS = ["Does it run on Windows?", "windows support", "install the server on Windows"]


def same(chunk_id: str) -> str:
    return chunk_id


def questions(*texts: str) -> list[dict[str, object]]:
    return [line for n, text in enumerate(texts) for line in asked(f"q{n}", text)]


def wordings(groups: list[Gap]) -> list[set[str]]:
    return [set(gap.wordings) for gap in groups]


def test_questions_for_the_same_thing_are_one_group_the_larger_one_first() -> None:
    found = gaps(log(*ANSWERED, *questions(*WINDOWS, *BILLING, BILLING[0])).questions, page_of=same)
    assert wordings(found.groups) == [set(BILLING), set(WINDOWS)]
    assert [len(gap.asked) for gap in found.groups] == [4, 3]


def test_words_that_answered_questions_have_too_join_nothing() -> None:
    usual = [
        line for n in range(20) for line in asked(f"u{n}", f"How is the server x{n}?", "answered")
    ]
    asked_for = questions("How do I paint the server?", "How do I feed the server?")
    found = gaps(log(*usual, *asked_for).questions, page_of=same)
    assert found.groups == []
    assert found.alone == 2


def test_what_only_one_visitor_asked_is_counted_and_not_quoted() -> None:
    found = gaps(log(*ANSWERED, *questions(*BILLING, "My name is Jo, hi")).questions, page_of=same)
    assert wordings(found.groups) == [set(BILLING)]
    assert found.alone == 1
    several = gaps(log(*questions(*BILLING)).questions, page_of=same, at_least=4)
    assert (several.groups, several.alone) == ([], 3)


def test_vectors_join_what_has_no_word_in_common() -> None:
    texts = ["Rechnung?", "Where is my invoice", "Windows", "Fenster"]
    vectors = dict(zip(texts, np.eye(2, dtype=np.float32)[[0, 0, 1, 1]] + 0.01, strict=True))
    found = gaps(log(*questions(*texts)).questions, page_of=same, meanings=vectors)
    assert wordings(found.groups) == [set(texts[:2]), set(texts[2:])]


def test_without_text_the_closest_page_makes_the_group() -> None:
    without = [request(f"n{n}", "not_found", cited_chunks=[c]) for n, c in enumerate("aab")]
    found = gaps(log(*without).questions, page_of={"a": "setup.md", "b": "intro.md"}.__getitem__)
    assert [(gap.closest, gap.wordings, len(gap.asked)) for gap in found.groups] == [
        (("setup.md",), (), 2)
    ]


def test_hashes_are_grouped_where_they_are_equal() -> None:
    digests = ["ab" * 32, "ab" * 32, "cd" * 32]
    found = gaps(log(*questions(*digests)).questions, page_of=same)
    assert [len(gap.asked) for gap in found.groups] == [2]


def test_a_log_without_questions_has_no_gaps() -> None:
    assert gaps([], page_of=same).groups == []
    assert gaps(log(*ANSWERED).questions, page_of=same).groups == []


@pytest.mark.parametrize("site", ["redux", "tseslint", "questdb", "argocd", "karpenter"])
def test_most_planted_topics_are_found_among_their_wordings(site: str) -> None:
    rows = [json.loads(row) for row in GAPS.read_text().splitlines()]
    labels = {text: r["topic"] for r in rows if r["site"] == site for text in r["questions"]}
    found = gaps(log(*ANSWERED, *questions(*labels)).questions, page_of=same).groups
    groups = [[labels[text] for text in gap.wordings] for gap in found]
    figures = agreement(groups, list(labels.values()), set(labels.values()))
    assert figures.found.right >= 3
    assert figures.precision.value > 0.6
