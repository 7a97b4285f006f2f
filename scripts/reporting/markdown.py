"""The report as Markdown, for a pull request, an issue or a terminal."""

import re
from collections.abc import Iterator, Sequence

from scripts.reporting.findings import Findings, PageUse, Shown
from scripts.reporting.pages import Place
from scripts.reporting.wording import OUTCOME_WORDS, percent, span, told_of_gaps

_MEANING = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@$])")


def as_markdown(found: Findings, site: str) -> str:
    """The report; what visitors wrote is text in it and never markup."""
    return "\n".join(_lines(found, site)) + "\n"


def _lines(found: Findings, site: str) -> Iterator[str]:
    yield f"# What visitors asked: {_text(site)}"
    yield ""
    yield _summary(found)
    yield from _section("What the docs do not answer", _gaps(found))
    yield from _section("Outcomes", _outcomes(found))
    yield from _section("Pages that answers cite most", _cited(found.cited))
    yield from _section("Pages whose answers get thumbs down", _disliked(found.disliked))
    languages = [f"{code or 'not clear'}: {count}" for code, count in found.languages.items()]
    yield from _section("Languages", [f"- {line}" for line in languages])
    yield from _section("Cost and speed", _cost(found))
    yield from _section("What this report cannot tell", [f"- {note}" for note in found.notes])


def _summary(found: Findings) -> str:
    when = f"{span(found)}. " if found.first else ""
    return (
        f"{when}{found.questions:,} questions, {percent(found.share('answered'))} answered with"
        f" sources, {percent(found.unanswered / found.questions)} not in the docs,"
        f" {found.thumbs['up']} thumbs up and {found.thumbs['down']} down,"
        f" about ${found.cost_usd:,.2f}."
    )


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"## {title}", "", *lines)


def _gaps(found: Findings) -> list[str]:
    lines = [told_of_gaps(found), ""] if found.gaps else []
    for gap in found.gaps:
        lines += _gap(gap)
    if found.alone:
        lines += [
            "",
            f"{found.alone:,} more unanswered questions were asked too seldom to be quoted.",
        ]
    return lines


def _gap(gap: Shown) -> Iterator[str]:
    near = ", ".join(map(_place, gap.closest))
    title = _text(gap.title) or "Questions whose text is not in the log"
    yield f"- **{title}** ({gap.asked} asked)"
    for text in gap.others:
        yield f"  - {_text(text)}"
    if near:
        yield f"  - closest now: {near}"


def _outcomes(found: Findings) -> list[str]:
    names = list(found.outcomes)
    rows = [["from", "questions", *(OUTCOME_WORDS[name] for name in names), "cost"]]
    rows += [
        [
            period.name,
            str(period.questions),
            *(str(period.outcomes.get(name, 0)) for name in names),
            f"${period.cost_usd:.2f}",
        ]
        for period in found.periods
    ]
    total = [str(found.questions), *map(str, found.outcomes.values()), f"${found.cost_usd:.2f}"]
    lines = _table([*rows, ["all", *total]])
    if found.problems:
        failed = ", ".join(f"{_text(name)} ({n})" for name, n in found.problems.items())
        lines += ["", f"Failed with: {failed}."]
    return lines


def _cited(uses: Sequence[PageUse]) -> list[str]:
    return _table([["page", "cited"], *([_place(use.place), str(use.cited)] for use in uses)])


def _disliked(uses: Sequence[PageUse]) -> list[str]:
    rows = [
        [_place(use.place), str(use.down), str(use.up), _text("; ".join(use.reasons[:3]))]
        for use in uses
    ]
    return _table([["page", "down", "up", "reasons"], *rows])


def _cost(found: Findings) -> list[str]:
    lines = [
        f"- a question: ${found.cost_usd / found.questions:.4f}, {found.tokens:,} tokens in all",
        f"- refused for coming too often: {found.turned_away:,}",
    ]
    if found.first_event_ms:
        median, slow = found.first_event_ms
        lines.append(
            f"- first words: {median / 1000:.1f} s in the median, {slow / 1000:.1f} s at 95 %"
        )
    return lines


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    if not body:
        return []
    lines = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _place(place: Place) -> str:
    title = _text(place.title)
    return f"[{title}](<{place.url}>)" if place.url else title


def _text(text: str) -> str:
    return _MEANING.sub(r"\\\1", text)
