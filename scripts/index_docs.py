"""Index a documentation site, so that the chat can answer from it.

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
from docchat.core.models import Dialect
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
        help="a project of Docusaurus, MkDocs or Hugo, or a folder of .md and .mdx files"
        " (default: %(default)s)",
    )
    built = parser.add_mutually_exclusive_group()
    built.add_argument("--html", type=folder, help="instead of --docs: the folder of a built site")
    built.add_argument("--sitemap", help="instead of --docs: the address of a live site's sitemap")
    parser.add_argument(
        "--dialect",
        type=Dialect,
        choices=list(Dialect),
        help="whose Markdown a plain folder is (default: what the project's configuration says,"
        " else docusaurus)",
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


def read(docs: Path, *, site_url: str | None, dialect: Dialect | None = None) -> SiteReading:
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
    return read_site(docs, site_url=site_url, dialect=dialect)


def read_built(html: Path | None, sitemap: str | None, *, site_url: str | None) -> SiteReading:
    """The pages of a built site: of its folder, or of the addresses in its sitemap.

    Raises:
        Misconfigured: there is a folder, but no URL to make links from.
        IndexingError: the folder or the sitemap cannot be read.
    """
    # Only who indexes HTML needs the parser and the client.
    from docchat.providers.docs_site_html import built_pages  # noqa: PLC0415
    from docchat.providers.docs_site_sitemap import site_pages  # noqa: PLC0415

    reading = SiteReading()
    if sitemap:
        reading.pages.extend(site_pages(sitemap, notes=reading))
    elif html:
        if site_url is None:
            raise Misconfigured("SITE_URL is not set: give --site-url")
        reading.pages.extend(built_pages(html, site_url=site_url, notes=reading))
    return reading


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
    for secret in reading.secrets:
        say(console, f"look at {secret.path}: {secret.reason}", style="red")
    if reading.hidden_characters:
        console.print(f"Dropped {reading.hidden_characters} characters that no reader sees.")
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
            site_url = runtime.settings.site_url
            if options.html or options.sitemap:
                reading = read_built(options.html, options.sitemap, site_url=site_url)
            else:
                reading = read(options.docs, site_url=site_url, dialect=options.dialect)
            report = asyncio.run(publish(reading, runtime, console))
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    if options.json:
        files = {
            "skipped": [asdict(file) for file in reading.skipped],
            "warnings": [asdict(file) for file in reading.warnings],
            "secrets": [asdict(file) for file in reading.secrets],
            "hidden_characters": reading.hidden_characters,
        }
        print(json.dumps({"pages": len(reading.pages), **asdict(report), **files}))
    else:
        print_report(reading, report, console)
    return OK


if __name__ == "__main__":
    sys.exit(main())
