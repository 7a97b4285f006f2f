"""Index a documentation site, so that the chat can answer from it.

    python -m scripts.index_docs --docs website/docs --site-url https://docs.example.com

Run it again after every change: only new text is embedded, removed pages disappear, and visitors
see the old index until the new one is whole. A run that was broken off is taken up where it ended.
Without a GEMINI_API_KEY an emulator makes the vectors, which is enough to try it out.

Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 3 refused until an option allows it,
75 another run is writing the index, 130 interrupted. Unless it is 0, the published index is
unchanged; only a failure to write llms.txt comes after it.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from docchat.core.chunking import chunk
from docchat.core.models import Chunk, Dialect, Manifest, Page
from docchat.errors import DocchatError, IndexLocked, IndexRefused, Misconfigured
from docchat.indexing import Allowed, Patience, Report, index, roll_back
from docchat.providers.docs_site import ReadingNotes, SiteReading, pages, read_site
from docchat.runtime import Runtime
from scripts.console import complain, say, steps
from scripts.index_markdown import as_failure, as_markdown
from scripts.index_options import parse_arguments
from scripts.llms_txt import LlmsTxt
from scripts.local import EMULATOR_NOTICE, is_emulated, local_environment, refuse_to_leave
from scripts.site_commit import commit_of

OK, FAILED, MISUSED, REFUSED, LOCKED, INTERRUPTED = 0, 1, 2, 3, os.EX_TEMPFAIL, 130

_USUAL = Allowed()
_MEANT = (
    "draft",
    "unlisted",
    "the index.md beside it stands for this folder",
    "the page asks not to be indexed",
    "robots.txt asks not to read it",
)
"""Why files are skipped of which nobody would say that they could not be read."""


class Pages(Protocol):
    """What is indexed: a site that was read, or one that is read meanwhile."""

    @property
    def pages(self) -> Iterable[Page]:
        """Taken once, one after the other."""
        ...


@dataclass(slots=True)
class Reading(ReadingNotes):
    """A site that is read page by page while it is indexed; the notes are whole at the end."""

    pages: Iterable[Page] = ()


def read(docs: Path, *, site_url: str | None, dialect: Dialect | None = None) -> SiteReading:
    """The pages of the folder, with the links that they have on the site.

    Raises:
        Misconfigured: there is no such folder, or no URL to make links from.
    """
    return read_site(docs, site_url=_checked(docs, site_url), dialect=dialect)


async def publish(
    reading: Pages,
    runtime: Runtime,
    console: Console,
    *,
    commit: str = "",
    allowed: Allowed = _USUAL,
    dry_run: bool = False,
) -> Report:
    """Bring the index that the settings name to the state of the pages.

    Raises:
        DocchatError: the run failed; the published index is unchanged.
    """
    chunks = (piece for page in reading.pages for piece in chunk(page))
    return await _index(chunks, runtime, console, commit=commit, allowed=allowed, dry_run=dry_run)


async def _index(
    chunks: Iterable[Chunk],
    runtime: Runtime,
    console: Console,
    *,
    commit: str,
    allowed: Allowed,
    dry_run: bool,
) -> Report:
    gemini = await runtime.gemini()
    store = runtime.open_index(await runtime.qdrant_key())
    try:
        with steps(console, "Indexing chunks") as told:
            return await index(
                chunks,
                store=store,
                embedder=gemini,
                embedding_model=runtime.settings.embedding_model,
                dimension=runtime.settings.embedding_dimension,
                commit=commit,
                allowed=allowed,
                dry_run=dry_run,
                patience=Patience(runtime.settings.index_patience_s),
                progress=told,
            )
    finally:
        await store.aclose()
        await runtime.aclose()


async def _rolled_back(runtime: Runtime) -> Manifest:
    """Publish the version before; returns how it was made."""
    settings = runtime.settings
    store = runtime.open_index(await runtime.qdrant_key())
    try:
        return await roll_back(
            store,
            embedding_model=settings.embedding_model,
            dimension=settings.embedding_dimension,
        )
    finally:
        await store.aclose()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = parse_arguments(arguments, __doc__ or "")
    console = Console(stderr=options.json)
    try:
        overrides = {"SITE_URL": options.site_url} if options.site_url else None
        with local_environment(overrides, local_site=not options.publish) as variables:
            if is_emulated(variables):
                refuse_to_leave(options.publish or variables["QDRANT_HOST"], variables)
                say(console, EMULATOR_NOTICE, style="yellow")
            _run(options, Runtime(publish=options.publish), console)
    except DocchatError as exc:
        why = "\n".join([str(exc), *getattr(exc, "__notes__", [])])
        complain(console, why)
        if options.markdown:
            options.markdown.write_text(as_failure(why, dry_run=options.dry_run))
        return _exit_code(exc)
    except KeyboardInterrupt:
        complain(console, "Interrupted: the published index is unchanged, run it again to go on.")
        return INTERRUPTED
    return OK


def _exit_code(failure: DocchatError) -> int:
    codes = {Misconfigured: MISUSED, IndexRefused: REFUSED, IndexLocked: LOCKED}
    return codes.get(type(failure), FAILED)


def _run(options: argparse.Namespace, runtime: Runtime, console: Console) -> None:
    if options.rollback:
        made = asyncio.run(_rolled_back(runtime))
        if options.json:
            print(json.dumps({"rolled_back": True, **asdict(made)}))
        else:
            of = f" of commit {made.commit}" if made.commit else ""
            say(console, f"Published again: {made.chunks} chunks{of}, made at {made.created_at}.")
        return
    began = time.monotonic()
    reading = site_of(options, runtime.settings.site_url)
    listed = LlmsTxt()
    run = _index(
        _chunks(reading, listed, strict=options.strict, block_secrets=options.block_secrets),
        runtime,
        console,
        commit=options.commit or commit_of(options.html or options.docs),
        allowed=Allowed(shrink=options.allow_shrink, other_model=options.other_model),
        dry_run=options.dry_run,
    )
    report = asyncio.run(run)
    if options.llms_txt and not options.dry_run:
        listed.write(options.llms_txt, runtime.settings.site_name)
    seconds = time.monotonic() - began
    dry_run = options.dry_run
    cost = report.tokens * runtime.settings.price_embedding_per_million / 1_000_000
    if options.markdown:
        options.markdown.write_text(as_markdown(reading, report, cost, dry_run=dry_run))
    if options.json:
        whole = {"dry_run": dry_run, "seconds": round(seconds, 2), "cost_usd": cost}
        print(json.dumps({**asdict(report), **whole, **_notes(reading)}))
    else:
        print_report(reading, report, console, dry_run=dry_run)
        say(console, f"{_paid(report, cost, dry_run=dry_run)} Took {seconds:.1f} s.")


def site_of(options: argparse.Namespace, site_url: str | None) -> Reading:
    """The site that the options name; read when its pages are taken.

    Raises:
        Misconfigured: there is no such folder, or no URL to make links from.
    """
    reading = Reading()
    # Only who indexes HTML needs the parser and the client.
    if options.sitemap:
        from docchat.providers.docs_site_sitemap import site_pages  # noqa: PLC0415

        reading.pages = site_pages(options.sitemap, notes=reading)
    elif options.html:
        from docchat.providers.docs_site_html import built_pages  # noqa: PLC0415

        url = _checked(options.html, site_url)
        reading.pages = built_pages(options.html, site_url=url, notes=reading)
    else:
        url = _checked(options.docs, site_url)
        reading.pages = pages(options.docs, site_url=url, dialect=options.dialect, notes=reading)
    return reading


def _checked(docs: Path, site_url: str | None) -> str:
    """The site's address, if there is one and there is such a folder."""
    if site_url is None:
        raise Misconfigured(
            "SITE_URL is not set: give --site-url, the address at which the site serves the folder"
        )
    if not docs.is_dir():
        raise Misconfigured(f"{docs} is not a folder: give --docs, the folder of the site's pages")
    return site_url


def _chunks(
    reading: Reading, listed: LlmsTxt, *, strict: bool, block_secrets: bool
) -> Iterator[Chunk]:
    """All chunks of the site, its pages listed; at the end, what could not be read may be too much.

    Raises:
        IndexRefused: `strict`, and there is a file that could not be read as it was meant.
    """
    for page in reading.pages:
        found = reading.secrets and reading.secrets[-1].path == page.path
        if not (block_secrets and found):
            listed.add(page)
            yield from chunk(page)
    unread = [file for file in reading.skipped if file.reason not in _MEANT] + reading.warnings
    if strict and unread:
        named = "; ".join(f"{file.path}: {file.reason}" for file in unread)
        raise IndexRefused(
            f"with --strict nothing is indexed while files cannot be read as meant: {named}"
        )


def print_report(
    reading: ReadingNotes, report: Report, console: Console, *, dry_run: bool = False
) -> None:
    """The result for a person."""
    for skipped in reading.skipped:
        say(console, f"skipped {skipped.path}: {skipped.reason}", style="yellow")
    for warning in reading.warnings:
        say(console, f"read in part {warning.path}: {warning.reason}", style="yellow")
    for secret in reading.secrets:
        say(console, f"look at {secret.path}: {secret.reason}", style="red")
    if reading.hidden_characters:
        console.print(f"Dropped {reading.hidden_characters} characters that no reader sees.")
    recovered = f", {report.recovered} of a run that was broken off" if report.recovered else ""
    console.print(
        f"{_done(report, dry_run=dry_run)} {report.chunks} chunks of {report.pages} pages"
        f" ({report.embedded} embedded, {report.kept} kept{recovered}, {report.removed} removed)."
    )


def _done(report: Report, *, dry_run: bool) -> str:
    if report.changed:
        return "Would publish" if dry_run else "Published"
    return "Nothing would change:" if dry_run else "Nothing had changed:"


def _paid(report: Report, cost: float, *, dry_run: bool) -> str:
    would = "Would embed" if dry_run else "Embedded"
    return f"{would} {report.texts} texts, about {report.tokens} tokens, ${cost:.4f}."


def _notes(reading: ReadingNotes) -> dict[str, Any]:
    return {
        "skipped": [asdict(file) for file in reading.skipped],
        "warnings": [asdict(file) for file in reading.warnings],
        "secrets": [asdict(file) for file in reading.secrets],
        "hidden_characters": reading.hidden_characters,
    }


if __name__ == "__main__":
    sys.exit(main())
