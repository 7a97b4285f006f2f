"""Serves a docs folder as plain pages, so that the demo's citations lead somewhere."""

import html
import re
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from docchat.core.models import Page
from docchat.core.slugs import Slugger

_EXPLICIT_ID = re.compile(r"\s*\{#([\w-]+)\}\s*$")
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
        self._pages = {urlsplit(page.url).path.rstrip("/"): page for page in pages}

    async def page(self, request: Request) -> Response:
        """The page at this address."""
        page = self._pages.get(request.url.path.rstrip("/"))
        if page is None:
            return HTMLResponse("<p>There is no such page. <a href='/'>Back</a>", status_code=404)
        return HTMLResponse(render(page))


def render(page: Page) -> str:
    """The page as HTML; its headings have the anchors that citations name."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(page.body)
    has_title = _give_anchors(tokens)
    body = markdown.renderer.render(tokens, markdown.options, {})
    title = html.escape(page.title)
    return _TEMPLATE.format(title=title, body=body if has_title else f"<h1>{title}</h1>{body}")


def _give_anchors(tokens: list[Token]) -> bool:
    """Set the ids of headings; returns whether the page brings its own title."""
    slugger, has_title = Slugger(), False
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        has_title = has_title or opening.tag == "h1"
        explicit = _EXPLICIT_ID.search(inline.content)
        if explicit and inline.children:
            inline.children[-1].content = _EXPLICIT_ID.sub("", inline.children[-1].content)
        text = "".join(child.content for child in inline.children or [])
        opening.attrSet("id", explicit.group(1) if explicit else slugger.slug(text))
    return has_title
