"""The tables of a run: on the terminal, and in docs/benchmarks.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.chat import goals
from benchmarks.chat.candidates import PEERS
from benchmarks.chat.requests import CONCURRENCIES
from benchmarks.chat.results import Results, shown
from scripts.serve import ROOT

PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
_LOCKS = {
    "docchat, hello world, plain HTTP": ROOT / "functions/chat/requirements.txt",
    "seed's design": ROOT / PEERS / "seed.txt",
    "LangChain": ROOT / PEERS / "langchain.txt",
    "LlamaIndex": ROOT / PEERS / "llamaindex.txt",
}
_TOLD = re.compile(
    r"^(fastapi|functions-framework|google-genai|httpx2|langchain-[a-z-]+|llama-index-[a-z-]+"
    r"|qdrant-client|qdrant-edge-py|uvicorn|aiohttp|uvloop|httptools)==(\S+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A table of figures: a row for each candidate that has any of them.

    Attributes:
        title: what they are.
        columns: heading → the figure, and how many digits it is shown with.
    """

    title: str
    columns: dict[str, tuple[str, int]]


_SHEETS = (
    _Sheet(
        "From the start of the process, ms",
        {
            "listening": ("listening_ms", 0),
            "first health": ("health_ms", 0),
            "first token": ("token_ms", 0),
        },
    ),
    _Sheet(
        "One streamed answer, Gemini without delay",
        {
            "CPU ms, alone": ("cpu_ms", 1),
            "first token ms, alone": ("first_ms", 1),
            "CPU ms, 80 at once": ("cpu_ms_at_80", 1),
            "CPU ms, alone after that": ("cpu_ms_after", 1),
            "answers/s, 80 at once": ("per_s", 0),
            "allocations": ("allocations", 0),
            "PSS after load, MiB": ("pss_mib", 0),
            "failed": ("not_answered", 0),
        },
    ),
    _Sheet(
        "First token beyond the model's own 300 ms, in ms, so many at once",
        {str(count): (f"over_ms_at_{count}", 0) for count in CONCURRENCIES},
    ),
    _Sheet(
        "500 streams of two seconds at once",
        {
            "first token, p99, ms": ("first_p99_ms", 0),
            "failed": ("failed", 0),
            "held open": ("held", 0),
            "KiB for an open stream": ("kib_per_stream", 0),
        },
    ),
    _Sheet(
        "Answers a second, 80 at once",
        {
            "one worker": ("one_worker_per_s", 0),
            "two workers": ("two_workers_per_s", 0),
        },
    ),
)


def show(results: Results, console: Console) -> None:
    """Print all tables, the ratios first."""
    for title, headings, rows in _tables(results):
        table = Table(*headings, title=title)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def write(results: Results, images: Mapping[str, str]) -> None:
    """Put the tables into the page, between its two marks, and below them the images.

    Args:
        results: of the run.
        images: title → path from the page.
    """
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{_markdown(results, images)}\n{END}{after}")


def versions() -> list[str]:
    """What each candidate is made of, from its locked requirements."""
    told = {name: _TOLD.findall(lock.read_text()) for name, lock in _LOCKS.items()}
    return [f"{name}: {', '.join(map(' '.join, parts))}" for name, parts in told.items()]


def _tables(results: Results) -> list[tuple[str, Sequence[str], list[Sequence[str]]]]:
    ratios: list[Sequence[str]] = list(goals.rows(results))
    sheets = [(one.title, ["", *one.columns], _rows(one, results)) for one in _SHEETS]
    return [("docchat by its peers", goals.HEADINGS, ratios), *(s for s in sheets if s[2])]


def _rows(sheet: _Sheet, results: Results) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for name in results.figures:
        cells = [shown(results.of(name, figure), n) for figure, n in sheet.columns.values()]
        if any(cell != "–" for cell in cells):
            rows.append([name, *cells])
    return rows


def _markdown(results: Results, images: Mapping[str, str]) -> str:
    text = f"Measured on {results.made} with `{results.command}`, {results.machine}. Each cell has"
    lines = [f"{text} the median of all rounds, and the least and the greatest in brackets.", ""]
    lines += [f"- {line}" for line in versions()]
    for title, headings, rows in _tables(results):
        lines += ["", f"### {title}", "", _row(headings), "|---" * len(headings) + "|"]
        lines += map(_row, rows)
    for title, path in images.items():
        lines += ["", f"![{title}]({path})"]
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
