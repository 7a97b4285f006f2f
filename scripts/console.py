"""The terminal: a progress bar for a person, plain lines for a log file."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import MemoryHandler

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from docchat.logs import LOGGER

_PLAIN_EVERY_S = 2.0
_HELD_LINES = 1000


def say(console: Console, text: str, *, style: str = "") -> None:
    """Print text as it is: a path such as `[slug].md` is no markup, and nothing is wrapped."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def complain(console: Console, text: str) -> None:
    """Print what went wrong."""
    say(console, text, style="red")


@contextmanager
def progress(console: Console, label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields a function to be told how many more are done."""
    if not console.is_terminal:
        yield _plain(console, label, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda count: bar.update(task, advance=count)


@contextmanager
def steps(console: Console, label: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to be told how many are done, and of how many; shows rate and time left."""
    if not console.is_terminal:
        yield _plain_steps(console, label)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task, began = bar.add_task(label, total=None, pace=""), time.monotonic()

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, pace=_pace(done, total, began))

        yield told


def _plain_steps(console: Console, label: str) -> Callable[[int, int], None]:
    began = last = time.monotonic()

    def told(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= _PLAIN_EVERY_S:
            last = now
            console.print(f"{label}: {done}/{total}, {_pace(done, total, began)}")

    return told


def _pace(done: int, total: int, began: float) -> str:
    seconds = max(time.monotonic() - began, 0.001)
    left = (total - done) * seconds / max(done, 1)
    return f"{done / seconds:,.0f} a second, {left:,.0f} s left"


def _plain(console: Console, label: str, total: int) -> Callable[[int], None]:
    done, told = 0, time.monotonic()

    def advance(count: int) -> None:
        nonlocal done, told
        done += count
        now = time.monotonic()
        if done >= total or now - told >= _PLAIN_EVERY_S:
            told = now
            console.print(f"{label}: {done}/{total}")

    return advance


def log_to(console: Console) -> Callable[[], None]:
    """Show each request as a short line, in place of the JSON line for Cloud Logging.

    Lines are held back until the returned function is called, so that they do not run into what
    is being printed.
    """
    shown = _ConsoleHandler(console)
    held = MemoryHandler(capacity=_HELD_LINES, flushLevel=logging.CRITICAL + 1, target=shown)
    LOGGER.handlers = [held]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False

    def release() -> None:
        LOGGER.handlers = [shown]
        held.close()

    return release


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        fields = getattr(record, "fields", {})
        shown = ("method", "route", "status", "outcome", "part", "state", "problem", "cause")
        words = [str(fields[name]) for name in shown if name in fields]
        if "duration_ms" in fields:
            words.append(f"{fields['duration_ms']} ms")
        style = "red" if record.levelno >= logging.ERROR else "dim"
        text = " ".join(words) or record.getMessage()
        say(self._console, text, style=style)
