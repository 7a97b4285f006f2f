"""What renderers make of an answer: the judge of the tests of the output filter."""

import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_OPTIONS = {"maxNesting": 1000}
COMMONMARK = MarkdownIt("commonmark", {**_OPTIONS, "html": False})
WITH_TABLES = MarkdownIt("commonmark", {**_OPTIONS, "html": False}).enable("table")
WITH_HTML = MarkdownIt("commonmark", {**_OPTIONS, "html": True}).enable("table")
RENDERERS = (COMMONMARK, WITH_TABLES, WITH_HTML)

# The extended autolinks of GFM (6.9), and what linkify-it adds to them, without bare domains.
_AUTOLINK = re.compile(
    r"(?:https?|ftp)://[^\s<]*|www\.[^\s<]*|(?<![:/])//[\w-]+\.\w[^\s<]*|[\w.+-]+@[\w-]+\.[\w.-]+",
    re.IGNORECASE,
)
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_TAG = re.compile("[\U000e0000-\U000e0fff]")


def tokens(renderer: MarkdownIt, markdown: str) -> Iterator[Token]:
    """Block and inline tokens in their order."""
    for block in renderer.parse(markdown):
        yield block
        yield from block.children or ()


def unsafe(markdown: str, hosts: Iterable[str]) -> list[str]:
    """What a reader must not get, by whichever renderer; empty for a safe answer."""
    listed = frozenset(hosts)
    found = [f"invisible: {char!r}" for char in _HIDDEN.findall(markdown) + _TAG.findall(markdown)]
    for renderer in RENDERERS:
        for token in tokens(renderer, markdown):
            found += _in(token, listed)
        found += [f"bare: {url}" for url in _bare(renderer, markdown) if not _leads_to(url, listed)]
    return found


def _in(token: Token, hosts: frozenset[str]) -> list[str]:
    if token.type == "image" or token.type.startswith("html"):
        return [f"{token.type}: {token.content or token.attrs}"]
    if token.type == "link_open" and not _leads_to(str(token.attrs["href"]), hosts):
        return [f"link: {token.attrs['href']}"]
    if token.type == "text" and _HIDDEN.search(token.content):
        return [f"invisible: {token.content!r}"]
    return []


def _bare(renderer: MarkdownIt, markdown: str) -> Iterator[str]:
    """What a renderer that makes links of addresses finds in the text outside links and code."""
    for block in renderer.parse(markdown):
        text, links = "", 0
        for token in block.children or ():
            links += token.nesting if token.type.startswith("link_") else 0
            text += token.content if token.type == "text" and not links else "\0"
        yield from _AUTOLINK.findall(text.replace("\0", " ") if "\0" in text else text)


def _leads_to(url: str, hosts: frozenset[str]) -> bool:
    if "://" not in url and "@" in url:
        return url.rpartition("@")[2].lower() in hosts
    try:
        parts = urlsplit(html.unescape(url))
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower().rstrip(".,;:!?)") in hosts


def shown(markdown: str) -> str:
    """The words that a reader sees, code included."""
    gap = {"softbreak": " ", "hardbreak": " "}
    parts = [
        token.content
        if token.type in {"text", "code_inline", "fence", "code_block"}
        else gap.get(token.type, "\n" if token.nesting == -1 and token.block else "")
        for token in tokens(WITH_TABLES, markdown)
    ]
    return " ".join("".join(parts).split())
