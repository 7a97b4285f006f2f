"""Index a documentation site's Markdown, so that the chat can answer from it.

    python -m scripts.index_docs --docs website/docs --site-url https://docs.example.com

Run it again after every change: only new text is embedded, removed pages disappear, and visitors
see the old index until the new one is whole. Without a GEMINI_API_KEY an emulator makes the
vectors, which is enough to try it out.

Exit codes: 0 done, 1 failed (the published index is unchanged), 2 wrong arguments or settings.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from docchat.core.chunking import chunk
from docchat.errors import DocchatError, Misconfigured
from docchat.indexing import Report, index
from docchat.providers.docs_site import SiteReading, read_site
from docchat.runtime import Runtime
from scripts.console import complain, progress, say
from scripts.local import EMULATOR_NOTICE, is_emulated, local_environment

OK, FAILED, MISUSED = 0, 1, 2


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.index_docs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--docs",
        type=folder,
        default=Path("docs"),
        help="folder of .md and .mdx files, or a Docusaurus project (default: %(default)s)",
    )
    parser.add_argument(
        "--site-url",
        help="where the site serves that folder; pages' links are made from it"
        " (default: the variable SITE_URL)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    return parser.parse_args(arguments)


def folder(text: str) -> Path:
    """A folder's name; an unset variable in a script must not mean the working folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def read(docs: Path, *, site_url: str | None) -> SiteReading:
    """The pages of the folder, with the links that they have on the site.

    Raises:
        Misconfigured: there is no such folder, or no URL to make links from.
    """
    if site_url is None:
        raise Misconfigured(
            "SITE_URL is not set: give --site-url, the address at which the site serves the folder"
        )
    if not docs.is_dir():
        raise Misconfigured(f"{docs} is not a folder: give --docs, the folder of the site's pages")
    return read_site(docs, site_url=site_url)


async def publish(reading: SiteReading, runtime: Runtime, console: Console) -> Report:
    """Bring the index that the settings name to the state of the pages.

    Raises:
        DocchatError: the run failed; the published index is unchanged.
    """
    chunks = [piece for page in reading.pages for piece in chunk(page)]
    gemini = await runtime.gemini()
    store = runtime.open_index(await runtime.qdrant_key())
    try:
        with progress(console, "Indexing chunks", len(chunks)) as advance:
            return await index(
                chunks,
                store=store,
                embedder=gemini,
                embedding_model=runtime.settings.embedding_model,
                dimension=runtime.settings.embedding_dimension,
                progress=advance,
            )
    finally:
        await store.aclose()
        await runtime.aclose()


def print_report(reading: SiteReading, report: Report, console: Console) -> None:
    """The result for a person."""
    for skipped in reading.skipped:
        say(console, f"skipped {skipped.path}: {skipped.reason}", style="yellow")
    for warning in reading.warnings:
        say(console, f"read in part {warning.path}: {warning.reason}", style="yellow")
    done = "Published" if report.published else "Nothing had changed:"
    console.print(
        f"{done} {report.chunks} chunks of {len(reading.pages)} pages"
        f" ({report.embedded} embedded, {report.kept} kept, {report.removed} removed)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = parse_arguments(arguments)
    console = Console(stderr=options.json)
    try:
        overrides = {"SITE_URL": options.site_url} if options.site_url else None
        with local_environment(overrides) as variables:
            if is_emulated(variables):
                say(console, EMULATOR_NOTICE, style="yellow")
            runtime = Runtime()
            reading = read(options.docs, site_url=runtime.settings.site_url)
            report = asyncio.run(publish(reading, runtime, console))
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    if options.json:
        files = {
            "skipped": [asdict(file) for file in reading.skipped],
            "warnings": [asdict(file) for file in reading.warnings],
        }
        print(json.dumps({"pages": len(reading.pages), **asdict(report), **files}))
    else:
        print_report(reading, report, console)
    return OK


if __name__ == "__main__":
    sys.exit(main())
