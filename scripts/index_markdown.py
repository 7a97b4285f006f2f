"""What an index run did, or would do, as Markdown: for a pull request or a job's summary."""

import re
from collections.abc import Iterator, Sequence

from docchat.indexing import Report
from docchat.providers.docs_site import FileNote, ReadingNotes

MARK = "<!-- docchat index -->"
"""The first line: by it a job finds its own comment again."""

_MEANING = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@$])")
_MOST = 50


def as_markdown(reading: ReadingNotes, report: Report, cost: float, *, dry_run: bool) -> str:
    """The report; names of files are text in it and never markup."""
    return "\n".join(_lines(reading, report, cost, dry_run=dry_run)) + "\n"


def as_failure(why: str, *, dry_run: bool) -> str:
    """A run that failed, for the same place."""
    said = "The index run would fail" if dry_run else "The index run failed"
    return f"{MARK}\n### {said}\n\n{_text(why)}\n\nThe published index is unchanged.\n"


def _lines(reading: ReadingNotes, report: Report, cost: float, *, dry_run: bool) -> Iterator[str]:
    yield MARK
    yield f"### {_title(report, dry_run=dry_run)}"
    yield ""
    yield "| pages | chunks | embedded | kept | removed | about, tokens | about, dollars |"
    yield "|---|---|---|---|---|---|---|"
    counts = (report.pages, report.chunks, report.embedded, report.kept, report.removed)
    yield f"| {' | '.join(f'{n:,}' for n in (*counts, report.tokens))} | {cost:.4f} |"
    yield from _files("Pages with text that looks like a secret", reading.secrets)
    yield from _files("Read, but not as meant", reading.warnings)
    yield from _files("Not read", reading.skipped)


def _title(report: Report, *, dry_run: bool) -> str:
    if dry_run:
        return "The index would change" if report.changed else "The index would not change"
    return "The index was published" if report.published else "The index had not changed"


def _files(title: str, notes: Sequence[FileNote]) -> Iterator[str]:
    if not notes:
        return
    yield f"\n<details><summary>{title}: {len(notes)}</summary>\n"
    yield from (f"- {_text(note.path)}: {_text(note.reason)}" for note in notes[:_MOST])
    if len(notes) > _MOST:
        yield f"- and {len(notes) - _MOST} more"
    yield "\n</details>"


def _text(text: str) -> str:
    return _MEANING.sub(r"\\\1", " ".join(text.split()))
