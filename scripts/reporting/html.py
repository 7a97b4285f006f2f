"""The report as one page that loads nothing: style and plots are in it, and there is no script."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.reporting import plots
from scripts.reporting.findings import Findings
from scripts.reporting.wording import OUTCOME_WORDS, percent, span, told_of_gaps

_FOLDER = Path(__file__).parent
_TICKS = 5


def as_html(found: Findings, site: str) -> str:
    """The page; every text of the log and of the docs is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
    )
    rated = sum(found.thumbs.values())
    return environment.get_template("page.html.j2").render(
        it=found,
        site=site,
        css=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        words=OUTCOME_WORDS,
        percent=percent,
        span=span(found),
        told=told_of_gaps(found) if found.gaps else "",
        unanswered=found.unanswered / found.questions,
        rated=rated,
        disliked=found.thumbs["down"] / rated if rated else 0.0,
        names=[period.name for period in found.periods],
        costs=[period.cost_usd for period in found.periods],
        ticks=_ticks(len(found.periods)),
        stacked=lambda *given: Markup(plots.stacked(*given)),  # noqa: S704 - it escapes
        columns=lambda *given: Markup(plots.columns(*given)),  # noqa: S704 - it escapes
        bar=lambda *given: Markup(plots.bar(*given)),  # noqa: S704 - it escapes
    )


def _ticks(count: int) -> list[int]:
    """Which periods the axis names: the first, the last, and a few between."""
    shown = min(count, _TICKS)
    return [round(n * (count - 1) / max(shown - 1, 1)) for n in range(shown)]
