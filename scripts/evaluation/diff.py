"""What changed between two runs: the figures, and the questions behind them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from docchat.errors import Misconfigured
from scripts.evaluation.answers import MEASURES
from scripts.evaluation.metrics import Estimate, difference

Figures = Mapping[str, Any]
Row = Mapping[str, Any]


class Change(NamedTuple):
    """One figure before and after; `gain` is paired by question where both runs have them."""

    name: str
    before: float
    after: float
    gain: Estimate | None = None


def load(file: Path) -> dict[str, Any]:
    """The figures of a run.

    Raises:
        Misconfigured: the file is not what `scripts.evaluate` writes.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        known = {"sets", "answers"} <= found.keys()
    except (OSError, ValueError, AttributeError) as exc:
        raise Misconfigured(f"{file} cannot be read: {exc}") from exc
    if not known:
        raise Misconfigured(f"{file} is no evaluate.json")
    return dict(found)


def show(before: Figures, after: Figures, console: Console) -> None:
    """Tables of what changed, set by set."""
    if before["embedder"] != after["embedder"]:
        console.print(Text(f"{before['embedder']} before, {after['embedder']} after"))
    for name in sorted(before["sets"].keys() & after["sets"].keys()):
        _show(
            f"{name}: passages", list(_of_sets(before["sets"][name], after["sets"][name])), console
        )
    for name in sorted(before["answers"].keys() & after["answers"].keys()):
        then, now = (run["answers"][name]["questions"] for run in (before, after))
        _show(f"{name}: answers", changes(then, now), console)
        for line in moved(then, now):
            console.print(Text(f"  {line}"))


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """Each measure over the questions that both runs asked."""
    pairs = _pairs(before, after)
    found = []
    for name in MEASURES:
        scores = [(then[name], now[name]) for then, now in pairs if name in then and name in now]
        if scores:
            old, new = [a for a, _ in scores], [b for _, b in scores]
            gain = difference(new, old)
            found.append(Change(name, sum(old) / len(old), sum(new) / len(new), gain))
    return found


def moved(before: Sequence[Row], after: Sequence[Row]) -> list[str]:
    """The questions that ended otherwise, and those that only one run asked."""
    lines = [
        f"{then['outcome']} → {now['outcome']}: {now['question']}"
        for then, now in _pairs(before, after)
        if then["outcome"] != now["outcome"]
    ]
    old, new = ({row["question"] for row in rows} for rows in (before, after))
    lines += [f"not asked any more: {question}" for question in sorted(old - new)]
    return [*lines, *(f"asked anew: {question}" for question in sorted(new - old))]


def _pairs(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Row, Row]]:
    old = {row["question"]: row for row in before}
    return [(old[row["question"]], row) for row in after if row["question"] in old]


def _of_sets(before: Figures, after: Figures) -> Iterator[Change]:
    for system, figures in after["figures"].items():
        earlier = before["figures"].get(system, {})
        for measure in figures.keys() & earlier.keys():
            yield Change(f"{system} {measure}", earlier[measure][0], figures[measure][0])


def _show(title: str, found: Sequence[Change], console: Console) -> None:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "before", "after", "gain"):
        table.add_column(heading)
    for one in sorted(found):
        table.add_row(one.name, f"{one.before:.3f}", f"{one.after:.3f}", _gain(one))
    console.print(table)


def _gain(change: Change) -> str:
    if change.gain is None:
        return f"{change.after - change.before:+.3f}"
    return f"{change.gain.mean:+.3f} [{change.gain.low:+.3f}, {change.gain.high:+.3f}]"
