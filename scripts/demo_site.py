"""Serves a docs folder as plain pages, so that the demo's citations lead somewhere."""

import html
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from docchat.core.markdown import sections
from docchat.core.models import Page

_MDX_LINE = re.compile(
    r"^[ \t]*(?::{3,}(?:\w+)?[ \t]*(?P<title>.*)|import .* from .*|</?[A-Z][^\n]*>)$", re.MULTILINE
)
_EXPLICIT_ID = re.compile(r"\s*\{#([\w-]+)\}\s*$")
_ANCHORED = ("h2", "h3", "h4")
_TEMPLATE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem }}
pre, code {{ background: #8882; border-radius: 4px }}
pre {{ padding: .8rem; overflow: auto }}
table {{ border-collapse: collapse }}
td, th {{ padding: .2rem .6rem; border: 1px solid #8884; text-align: left }}
:target {{ background: #ff06 }}
</style>
<p><a href="/">← Ask the documentation</a></p>
{body}
"""


class DemoSite:
    """Pages by the path of their URL."""

    def __init__(self, pages: Iterable[Page]) -> None:
        by_path = {page.path: page for page in pages}
        self._pages = {_path(page.url): page for page in by_path.values()}
        self._urls = {path: page.url for path, page in by_path.items()}

    async def page(self, request: Request) -> Response:
        """The page at this address."""
        page = self._pages.get(_path(str(request.url)))
        if page is None:
            return HTMLResponse("<p>There is no such page. <a href='/'>Back</a>", status_code=404)
        return HTMLResponse(render(page, self._urls))


def _path(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/")


def render(page: Page, urls: Mapping[str, str]) -> str:
    """The page as HTML; its headings have the anchors that citations name.

    Args:
        page: Markdown; admonitions and tabs are shown as plain text.
        urls: where the other pages are, by their path, for links between files.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_without_mdx(page.body))
    anchors = iter([section.anchor for section in sections(page.body) if section.anchor])
    has_title = _give_anchors(tokens, anchors)
    _lead_links(tokens, PurePosixPath(page.path).parent, urls)
    body = markdown.renderer.render(tokens, markdown.options, {})
    title = html.escape(page.title)
    return _TEMPLATE.format(title=title, body=body if has_title else f"<h1>{title}</h1>{body}")


def _without_mdx(body: str) -> str:
    """Drop the lines that only Docusaurus understands; code keeps its own."""
    parts = re.split(r"(^```.*?^```$)", body, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_MDX_LINE.sub(r"\g<title>", part) for part in parts[::2]]
    return "".join(parts)


def _lead_links(tokens: list[Token], folder: PurePosixPath, urls: Mapping[str, str]) -> None:
    for inline in tokens:
        for link in inline.children or []:
            path, _, anchor = str(link.attrGet("href") or "").partition("#")
            if url := urls.get(posixpath.normpath(folder / path)) if path else None:
                link.attrSet("href", f"{url}#{anchor}" if anchor else url)


def _give_anchors(tokens: list[Token], anchors: Iterator[str]) -> bool:
    """Set the ids of headings; returns whether the page brings its own title."""
    has_title = False
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        if opening.tag == "h1":
            has_title = True
        elif opening.tag in _ANCHORED:
            opening.attrSet("id", next(anchors, ""))
        if inline.children:
            last = inline.children[-1]
            last.content = _EXPLICIT_ID.sub("", last.content)
    return has_title
