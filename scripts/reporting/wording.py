"""The report's own words, for the page and for Markdown."""

from docchat.core.models import Outcome
from scripts.reporting.asked import FAILED
from scripts.reporting.findings import Findings

OUTCOME_WORDS = {
    Outcome.ANSWERED: "answered",
    Outcome.PARTIAL: "in part",
    Outcome.NOT_FOUND: "not in the docs",
    Outcome.DEGRADED: "search results",
    Outcome.REFUSED: "refused",
    FAILED: "failed",
}
"""What a reader of the report calls an outcome."""


def percent(share: float) -> str:
    """A share as a whole percentage; a little is never nothing."""
    shown = round(100 * share)
    return "< 1 %" if share > 0 and shown == 0 else f"{shown} %"


def span(found: Findings) -> str:
    """From when to when."""
    if found.first is None or found.last is None:
        return ""
    return f"{found.first:%-d %b %Y} – {found.last:%-d %b %Y}"


def told_of_gaps(found: Findings) -> str:
    """How much the groups make up."""
    grouped = sum(gap.asked for gap in found.gaps)
    return (
        f"{found.unanswered:,} questions found no answer in the docs."
        f" These {len(found.gaps)} topics make up {percent(grouped / found.unanswered)} of them,"
        " the most asked first."
    )
