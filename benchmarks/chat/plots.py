"""Bars with their spread, as SVG."""

import statistics
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.chat.candidates import EMBEDDED, HELLO, REMOTE
from benchmarks.chat.results import Results
from scripts.serve import ROOT

_DOCS = ROOT / "docs"
_PLOTS = {
    "token_ms": "From the start of the process to the first token, ms",
    "cpu_ms": "CPU for one streamed answer, ms",
    "per_s": "Answers a second, 80 at once, no delay at Gemini",
    "pss_mib": "Memory after load, MiB",
}
_WIDTH, _LABELS, _VALUES, _BAR, _STEP, _TOP = 760, 190, 70, 16, 26, 44
_WHOLE = 100  # from here on without a fraction
_OURS, _OTHERS = "#2563eb", "#94a3b8"


def write(results: Results) -> dict[str, str]:
    """Draw each plot whose figure was measured; returns title → path from docs/.

    Without the hello world, which answers no question.
    """
    written = {}
    for figure, title in _PLOTS.items():
        measured = {name: results.of(name, figure) for name in results.figures}
        measured = {name: values for name, values in measured.items() if values and name != HELLO}
        if measured:
            image = f"img/benchmark-{figure.replace('_', '-')}.svg"
            (_DOCS / image).write_text(drawn(title, measured))
            written[title] = image
    return written


def drawn(title: str, measured: Mapping[str, Sequence[float]]) -> str:
    """A bar for each, as long as the median; a line from the least to the greatest."""
    scale = (_WIDTH - _LABELS - _VALUES) / max(map(max, measured.values()))
    height = _TOP + _STEP * len(measured) + 8
    rows = [_bar(name, values, n, scale) for n, (name, values) in enumerate(measured.items())]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' font-family="sans-serif" font-size="13" role="img">\n<title>{escape(title)}</title>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="8" y="24" font-size="15">{escape(title)}</text>\n{"".join(rows)}</svg>\n'
    )


def _bar(name: str, values: Sequence[float], number: int, scale: float) -> str:
    top, middle = _TOP + number * _STEP, _TOP + number * _STEP + _BAR / 2
    median, colour = statistics.median(values), _OURS if name in {EMBEDDED, REMOTE} else _OTHERS
    digits = 0 if median >= _WHOLE else 1
    least, most = (_LABELS + scale * value for value in (min(values), max(values)))
    return (
        f'<text x="8" y="{middle + 4:.0f}">{escape(name)}</text>'
        f'<rect x="{_LABELS}" y="{top}" width="{scale * median:.1f}" height="{_BAR}"'
        f' fill="{colour}"/><path d="M{least:.1f} {middle:.0f}H{most:.1f}" stroke="#0f172a"/>'
        f'<text x="{most + 8:.1f}" y="{middle + 4:.0f}">{median:,.{digits}f}</text>\n'
    )
