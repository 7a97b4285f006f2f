"""The indexer's command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from docchat.core.models import Dialect

_DOCS = Path("docs")


def parse_arguments(arguments: Sequence[str] | None, description: str = "") -> argparse.Namespace:
    """What the caller asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.index_docs",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_site(parser)
    _add_permissions(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--dry-run",
        action="store_true",
        help="only say what would be embedded, kept and removed, and what it would cost",
    )
    what.add_argument(
        "--rollback",
        action="store_true",
        help="read nothing and publish the version before; again, to undo that",
    )
    parser.add_argument(
        "--publish",
        default="",
        metavar="DEST",
        help="a folder or gs://BUCKET/FOLDER that gets the index as one file, for functions without"
        " a database (default: what QDRANT_HOST names)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="also write the report there as Markdown, for a pull request or a job's summary",
    )
    parser.add_argument(
        "--llms-txt",
        type=folder,
        metavar="FOLDER",
        help="also write llms.txt and llms-full.txt there, for programs that read docs",
    )
    parser.add_argument(
        "--commit",
        default="",
        help="of the site, kept with the index (default: what git says of the folder)",
    )
    return parser.parse_args(arguments)


def folder(text: str) -> Path:
    """A folder's name; an unset variable in a script must not mean the working folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def add_site(parser: argparse.ArgumentParser, *, docs: Path | None = _DOCS) -> None:
    """The options that name a site: a folder of pages, a built site or a live one."""
    parser.add_argument(
        "--docs",
        type=folder,
        default=docs,
        help="a project of Docusaurus, MkDocs or Hugo, or a folder of .md and .mdx files"
        f" (default: {docs})",
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


def _add_permissions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-shrink",
        action="store_true",
        help="publish even if more than 30 %% of the index would be gone, page and text",
    )
    parser.add_argument(
        "--other-model",
        action="store_true",
        help="replace an index that was made with another model or dimension; everything is"
        " embedded again",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="publish nothing while a file cannot be read as its authors meant",
    )
    parser.add_argument(
        "--block-secrets",
        action="store_true",
        help="leave out pages with text that looks like a secret",
    )
