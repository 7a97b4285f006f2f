import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from scripts.reporting.entries import Unread
from scripts.reporting.findings import Findings, findings
from scripts.reporting.gaps import gaps
from scripts.reporting.html import as_html
from scripts.reporting.markdown import as_markdown
from scripts.reporting.notes import notes_on
from scripts.reporting.pages import Pages, Place
from tests.scripts.reporting.lines import Json, asked, entry, line, log, request

HOSTILE = '<script>alert(1)</script> ![x](https://evil.example/p.png) | "><img src=x onerror=y> `'
PAGES = Pages({"a.md": Place("Set up <b>", "https://docs.example/a")}, {"c1": "a.md"})
VOID = {"meta", "rect", "img", "link", "input", "br"}


class Checker(HTMLParser):
    """Notes every tag and address; fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        self.addresses |= {value or "" for name, value in attrs if name in {"src", "href"}}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def month() -> list[Json]:
    """Ten days with every outcome, a gap, thumbs and a hostile visitor."""
    found = []
    for day in range(1, 11):
        n = f"d{day}"
        found += [
            entry(one, day) for one in asked(f"{n}a", "How?", "answered", cited_chunks=["c1"])
        ]
        found += [entry(one, day) for one in asked(f"{n}n", HOSTILE, cited_chunks=["c1", "gone"])]
        found.append(entry(line("feedback", f"{n}a", thumb="down", reason=HOSTILE), day))
        for outcome in ("partial", "degraded", "refused", None):
            found.append(entry(request(f"{n}{outcome}", outcome, problem="upstream-busy"), day))
    return found


def found_in(*objects: Json, pages: Pages = PAGES) -> Findings:
    asked_for = log(*objects)
    groups = gaps(asked_for.questions, page_of=pages.page_of)
    notes = notes_on(asked_for, groups, pages, Unread())
    return findings(asked_for, groups, pages, notes, most=20)


@pytest.fixture(scope="module")
def page() -> str:
    return as_html(found_in(*month()), "Example <docs>")


def test_the_page_is_well_formed_and_loads_nothing(page: str) -> None:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.addresses == {"https://docs.example/a"}
    assert not checker.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert "@import" not in page
    assert not re.search(r"url\(", page)


def test_the_plots_are_svg_by_themselves(page: str) -> None:
    plots = re.findall(r"<svg.*?</svg>", page)
    assert len(plots) > 5
    for plot in plots:
        ET.fromstring(plot)  # noqa: S314 - our own


def test_what_visitors_wrote_is_text(page: str) -> None:
    assert "&lt;script&gt;alert(1)" in page
    assert "Set up &lt;b&gt;" in page
    assert "Example &lt;docs&gt;" in page


def test_in_markdown_it_is_text_too() -> None:
    text = as_markdown(found_in(*month()), "Example")
    assert "![" not in text
    assert r"\<script\>" in text
    table = [row for row in text.splitlines() if row.startswith("|") and "evil" in row]
    assert table
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in table)


def test_every_outcome_has_its_share_of_the_columns(page: str) -> None:
    (plot,) = re.findall(r'<svg[^>]*aria-label="Questions by outcome.*?</svg>', page)
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"', plot)]
    assert len(heights) == 6 * 10
    assert sum(heights) == pytest.approx(1000, abs=1)


def test_only_answers_count_for_the_pages_that_are_cited() -> None:
    found = found_in(*month())
    assert [(use.place.title, use.cited, use.down) for use in found.cited] == [
        ("Set up <b>", 10, 10)
    ]
    assert found.disliked == found.cited


def test_a_log_of_one_question_without_anything_makes_a_report() -> None:
    bare = found_in(request("a", "not_found"), pages=Pages())
    assert bare.periods == []
    assert "text (LOG_QUESTIONS is off)" in as_html(bare, "x")
    markdown = as_markdown(bare, "x")
    assert "LOG\\_QUESTIONS" in markdown or "LOG_QUESTIONS" in markdown
    assert "have no time" in markdown


def test_what_is_missing_is_said() -> None:
    notes = " ".join(found_in(*asked("a", "ab" * 32), request("b"), pages=Pages()).notes)
    for words in ("1 questions have no text", "1 questions are hashes", "give --docs", "no time"):
        assert words in notes
