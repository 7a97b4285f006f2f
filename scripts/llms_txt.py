"""`llms.txt` and `llms-full.txt`: a site for programs that read docs, by llmstxt.org's format.

The first is a list of the pages with links, the second their text without markup of the generator.
"""

from pathlib import Path

from docchat.core.markdown import sections
from docchat.core.models import Page
from docchat.core.visible import one_line
from docchat.errors import IndexingError

_LONGEST = 300
_DEEPEST = 6
_TOP = "Docs"


class LlmsTxt:
    """Takes note of pages, and writes both files."""

    def __init__(self) -> None:
        self._links: dict[str, list[str]] = {}
        self._texts: list[str] = []

    def add(self, page: Page) -> None:
        """Note a page; they stand in the order in which they come."""
        self._links.setdefault(_section(page), []).append(_link(page))
        self._texts.append(_text(page))

    def write(self, folder: Path, site_name: str) -> None:
        """Write both files, in place of older ones.

        Raises:
            IndexingError: they cannot be written.
        """
        try:
            self._write(folder, site_name)
        except OSError as exc:
            raise IndexingError(
                f"the index is published, but llms.txt cannot be written: {exc}"
            ) from exc

    def _write(self, folder: Path, site_name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        title = f"# {_flat(site_name)}\n"
        blocks = [f"## {name}\n\n" + "\n".join(links) for name, links in self._links.items()]
        _replace(folder / "llms.txt", "\n\n".join([title.rstrip(), *blocks]) + "\n")
        _replace(folder / "llms-full.txt", "\n\n".join([title.rstrip(), *self._texts]) + "\n")


def _section(page: Page) -> str:
    """The heading of its list: the first folder, and whose version and language it is."""
    folder = page.path.partition("/")[0] if "/" in page.path else _TOP
    of = ", ".join(filter(None, (page.version, page.locale)))
    return _flat(f"{folder} ({of})" if of else folder)


def _link(page: Page) -> str:
    title = _flat(page.title or page.path).replace("[", r"\[").replace("]", r"\]")
    notes = f": {_flat(page.description)}" if page.description else ""
    return f"- [{title}]({page.url}){notes}"


def _text(page: Page) -> str:
    """The page under its title, with its headings one level lower and its address."""
    parts = [f"## {_flat(page.title or page.path)}", f"Source: {page.url}"]
    above: tuple[str, ...] = ()
    for section in sections(page.body, title=page.title, dialect=page.dialect):
        if section.heading_path and section.heading_path != above:
            level = min(len(section.heading_path) + 2, _DEEPEST)
            parts.append(f"{'#' * level} {section.heading_path[-1]}")
        above = section.heading_path
        if section.text:
            parts.append(section.text)
    return "\n\n".join(parts)


def _flat(text: str) -> str:
    return one_line(text, most=_LONGEST)


def _replace(file: Path, text: str) -> None:
    """Who reads the file meanwhile gets the old one or the new one."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
