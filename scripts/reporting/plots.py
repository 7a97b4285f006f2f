"""Plots as inline SVG: shapes alone, stretched to their place; the words around them are HTML.

Colours come from the page's style sheet by class, so that light and dark are one plot.
"""

from collections.abc import Iterator, Sequence
from html import escape

from scripts.reporting.findings import OUTCOMES
from scripts.reporting.periods import Period

_WIDTH = 100.0  # of the drawing; the page stretches it
_FILLED = 0.8  # of a column's place


def stacked(periods: Sequence[Period]) -> str:
    """A column for each period, its outcomes upon each other."""
    most = max((period.questions for period in periods), default=0)
    return _svg("".join(_columns(periods, most)), f"Questions by outcome; at most {most} at once")


def _columns(periods: Sequence[Period], most: int) -> Iterator[str]:
    for n, period in enumerate(periods):
        floor, told = 100.0, []
        for outcome in OUTCOMES:
            count = period.outcomes.get(outcome, 0)
            if count:
                height = 100 * count / most
                floor -= height
                told.append((f"{outcome} {count}", _rect(n, len(periods), floor, height, outcome)))
        name = escape(f"{period.name}: " + ", ".join(text for text, _ in told))
        yield f"<g><title>{name}</title>{''.join(shape for _, shape in told)}</g>"


def columns(values: Sequence[float], names: Sequence[str], label: str, style: str) -> str:
    """A column for each value; the names are shown when one points at it."""
    most = max(values, default=0) or 1
    shapes = [
        f"<g><title>{escape(name)}</title>"
        f"{_rect(n, len(values), 100 - 100 * value / most, 100 * value / most, style)}</g>"
        for n, (value, name) in enumerate(zip(values, names, strict=True))
    ]
    return _svg("".join(shapes), label)


def bar(share: float, style: str, label: str) -> str:
    """A part of a whole, from the left."""
    length = _WIDTH * min(max(share, 0.0), 1.0)
    shapes = (
        f'<rect class="track" width="{_WIDTH:g}" height="100"/>'
        f'<rect class="{style}" width="{length:.2f}" height="100"/>'
    )
    return _svg(shapes, label)


def _rect(n: int, of: int, top: float, height: float, style: str) -> str:
    place = _WIDTH / of
    left = place * (n + (1 - _FILLED) / 2)
    return (
        f'<rect class="{style}" x="{left:.2f}" y="{top:.2f}" '
        f'width="{place * _FILLED:.2f}" height="{height:.2f}"/>'
    )


def _svg(shapes: str, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{shapes}</svg>'
    )
