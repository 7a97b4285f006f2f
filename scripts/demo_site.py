"""Serves a docs folder as plain pages with the chat, so that citations lead somewhere."""

import html
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath
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
_TEMPLATE = Path(__file__).with_name("demo_page.html").read_text(encoding="utf-8")
_FLOATING = ' data-endpoint="/"'
_FRONT = """<h1>Ask the documentation</h1>
<p id="notice">{notice}</p>
<docs-chat inline endpoint="/"></docs-chat>"""


class DemoSite:
    """Pages by the path of their URL, with the chat on each of them.

    Args:
        pages: what is served, where their URLs say.
        notice: what a visitor should know of the answers.
    """

    def __init__(self, pages: Iterable[Page], notice: str = "") -> None:
        by_path = {page.path: page for page in pages}
        self._pages = {_path(page.url): page for page in by_path.values()}
        self._urls = {path: page.url for path, page in by_path.items()}
        self._notice = notice

    async def front(self, _: Request) -> Response:
        """The chat, and the list of the pages."""
        body = _FRONT.format(notice=html.escape(self._notice))
        return self._framed("Ask the documentation", body, embedding="")

    async def page(self, request: Request) -> Response:
        """The page at this address."""
        path = _path(str(request.url))
        page = self._pages.get(path)
        if page is None:
            body = "<h1>There is no such page</h1><p><a href='/'>Back</a></p>"
            return self._framed("No such page", body, status=404)
        return self._framed(page.title, render(page, self._urls), path)

    def _framed(
        self,
        title: str,
        body: str,
        path: str = "",
        *,
        embedding: str = _FLOATING,
        status: int = 200,
    ) -> Response:
        links = [_link(page, current=path) for page in self._pages.values()]
        parts = {"title": html.escape(title), "pages": "\n".join(links), "body": body}
        text = _TEMPLATE
        for name, value in {"embedding": embedding, **parts}.items():
            text = text.replace(f"{{{name}}}", value, 1)
        return HTMLResponse(text, status_code=status)


def _link(page: Page, *, current: str) -> str:
    mark = ' aria-current="page"' if _path(page.url) == current else ""
    return f'<a href="{html.escape(page.url)}"{mark}>{html.escape(page.title)}</a>'


def _path(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/")


def render(page: Page, urls: Mapping[str, str]) -> str:
    """The page's body as HTML; its headings have the anchors that citations name.

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
    return body if has_title else f"<h1>{html.escape(page.title)}</h1>{body}"


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
