"""What a log could not tell, in words."""

from collections.abc import Iterator

from scripts.reporting.asked import Log
from scripts.reporting.entries import Unread
from scripts.reporting.gaps import MOST_WORDINGS, Gaps
from scripts.reporting.pages import Pages


def notes_on(log: Log, found: Gaps, pages: Pages, unread: Unread) -> list[str]:
    """Everything that makes the report less than it could be, and what to do about it."""
    return [*_of_texts(log), *_of_pages(log, pages), *_of_lines(log, found, unread)]


def _of_texts(log: Log) -> Iterator[str]:
    asked = log.questions
    without = sum(not one.text for one in asked)
    hashed = sum(one.hashed for one in asked)
    if without == len(asked):
        yield (
            "The log has no questions' text (LOG_QUESTIONS is off): unanswered questions are"
            " grouped by the page that came closest, and languages are not known."
        )
    elif without:
        yield f"{without:,} questions have no text in the log and are only counted."
    if hashed:
        yield f"{hashed:,} questions are hashes: they are alike where they are equal."


def _of_pages(log: Log, pages: Pages) -> Iterator[str]:
    if not pages.places:
        yield "Pages are shown as ids of chunks: give --docs with the docs that were indexed."
        return
    cited = [chunk for one in log.questions for chunk in one.cited]
    gone = sum(chunk not in pages.path_of for chunk in cited)
    if gone:
        yield (
            f"{gone:,} of {len(cited):,} citations are of text that these docs do not have: it was"
            " changed since, or other docs were indexed. They are shown as ids."
        )


def _of_lines(log: Log, found: Gaps, unread: Unread) -> Iterator[str]:
    timeless = sum(one.time is None for one in log.questions)
    if timeless:
        yield (
            f"{timeless:,} questions have no time: docchat's lines get theirs from Cloud Logging's"
            " export."
        )
    if not any(one.thumb for one in log.questions):
        yield "No visitor gave a thumb."
    if log.stray_thumbs:
        yield f"{log.stray_thumbs:,} thumbs are for answers before the log begins."
    if found.left_out:
        yield f"Only the {MOST_WORDINGS:,} most frequent wordings were grouped."
    if unread.lines:
        yield f"{unread.lines:,} lines of the log are no JSON objects and were left out."
