"""Reads built pages: the HTML that any site generator makes."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from docchat.core.models import Dialect, Page
from docchat.errors import IndexingError
from docchat.providers.docs_site import FileNote, ReadingNotes
from docchat.providers.docs_site_files import Skip, text_of

_MAIN = ("main", "[role=main]", "article", "body")  # the first that there is
_NOT_TEXT = (
    "script, style, noscript, template, nav, header, footer, aside, form, button, svg, iframe,"
    " a.hash-link, a.headerlink, a.anchor, .toc, .breadcrumbs, .pagination-nav, .skip-link"
)
_HIDDEN = '[hidden], [style*="display:none"], [style*="display: none"]'
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CODE = {"pre", "code", "kbd", "samp"}
_SHAPED = {*_HEADINGS, "li", "tr", "td", "th", "img", "br"}
_BLOCKS = {
    *("p", "div", "section", "article", "main", "body", "ul", "ol", "table", "blockquote", "dl"),
    *("dt", "dd", "details", "summary", "figure", "figcaption", "hr"),
}
_SPECIAL = re.compile(r"([\\`<{])")
_LINE_MARK = re.compile(r"^(\s*)(?=#|:::|import\b|export\b|~~~)", re.MULTILINE)
_LANGUAGE = re.compile(r"\blanguage-([\w+-]+)")
_GAPS = re.compile(r"\n\s*\n\s*")
_NO_PAGES = {"404.html", "search.html", "genindex.html"}
_MAX_DEPTH = 200
_MAX_NESTING = 2_000  # lexbor takes quadratic time in the depth: 6 s for 40,000
_NESTING = re.compile(
    r"<(/?)(?!(?:area|br|col|hr|img|input|link|meta|source|wbr|p|li|dt|dd|tr|td|th|option)\b)[a-z]",
    re.IGNORECASE,
)


def built_pages(folder: Path, *, site_url: str, notes: ReadingNotes) -> Iterator[Page]:
    """Read the pages of a built site, one after the other; no file stops the run.

    Args:
        folder: what the generator wrote.
        site_url: where that folder is served.
        notes: told of every file that is not read, and why.

    Raises:
        IndexingError: there is no such folder.
    """
    if not folder.is_dir():
        raise IndexingError(f"{folder} is not a folder")
    for file in sorted(folder.rglob("*.html")):
        path = file.relative_to(folder).as_posix()
        if file.name in _NO_PAGES:
            continue
        try:
            yield html_page(text_of(file, folder), path, _url(path, site_url), notes)
        except Skip as exc:
            notes.skipped.append(FileNote(path, str(exc)))


def _url(path: str, site_url: str) -> str:
    return f"{site_url.rstrip('/')}/{quote(path.removesuffix('index.html'))}"


def html_page(source: str, path: str, url: str, notes: ReadingNotes) -> Page:
    """One page, as Markdown.

    Args:
        source: the HTML.
        path: the page's identity.
        url: where it is served.
        notes: told how much of the page nobody sees.

    Raises:
        Skip: the page asks not to be indexed, has no text, or would take too long to parse.
    """
    if _nesting(source) > _MAX_NESTING:
        raise Skip(f"its elements are nested deeper than {_MAX_NESTING}")
    tree = LexborHTMLParser(source)
    if "noindex" in _meta(tree, "robots"):
        raise Skip("the page asks not to be indexed")
    main = next(filter(None, map(tree.css_first, _MAIN)), None)
    if main is None:
        raise Skip("no text")
    notes.hidden_characters += _without_the_rest(main)
    named = main.css_first("h1") or tree.css_first("title")
    return Page(
        path=path,
        url=url,
        title=" ".join(named.text().split() if named else ()) or PurePosixPath(path).stem,
        body=_GAPS.sub("\n\n", "".join(_markdown(main, 0))).strip(),
        dialect=Dialect.HTML,
        version=_meta(tree, "docusaurus_version") or _meta(tree, "docsearch:version"),
        locale=_meta(tree, "docusaurus_locale") or _language(tree),
        description=_meta(tree, "description"),
    )


def _nesting(source: str) -> int:
    """How deep the elements are nested, at most."""
    depth = deepest = 0
    for tag in _NESTING.finditer(source):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _without_the_rest(main: LexborNode) -> int:
    """Drop what is no part of the text; counts the characters that nobody sees."""
    hidden = 0
    for node in main.css(_HIDDEN):
        hidden += len(node.text())
        node.decompose()
    for node in main.css(_NOT_TEXT):
        if node.css_first("h1") is None:  # a page's own header holds its title
            node.decompose()
    return hidden


def _meta(tree: LexborHTMLParser, name: str) -> str:
    node = tree.css_first(f'meta[name="{name}"]')
    return (node.attributes.get("content") or "").strip() if node else ""


def _language(tree: LexborHTMLParser) -> str:
    root = tree.css_first("html")
    return (root.attributes.get("lang") or "") if root else ""


def _markdown(node: LexborNode, depth: int) -> Iterator[str]:
    """The node's text with as much Markdown as sections, lists and code need."""
    tag = (node.tag or "").lower()
    if tag == "-text" or depth > _MAX_DEPTH:
        yield _escaped(node.text())
    elif tag in _CODE:
        yield _fence(node) if tag == "pre" else _code_span(node.text())
    elif tag in _SHAPED:
        yield _shaped(node, tag, "".join(_inside(node, depth)))
    elif tag in _BLOCKS:
        yield from ("\n\n", *_inside(node, depth), "\n\n")
    elif not tag.startswith(("-", "!")):
        yield from _inside(node, depth)


def _shaped(node: LexborNode, tag: str, inside: str) -> str:
    line = " ".join(inside.split())
    if tag in _HEADINGS:
        anchor = _anchor(node)
        return f"\n\n{'#' * _HEADINGS[tag]} {line}{f' {{#{anchor}}}' if anchor else ''}\n\n"
    if tag == "li":
        return f"\n- {inside.strip()}\n"
    if tag == "tr":
        return f"\n{inside}"
    if tag == "img":
        return _escaped(node.attributes.get("alt") or "")
    return "\n" if tag == "br" else f"{line} | "


def _inside(node: LexborNode, depth: int) -> Iterator[str]:
    for child in node.iter(include_text=True):
        yield from _markdown(child, depth + 1)


def _escaped(text: str) -> str:
    return _LINE_MARK.sub(r"\1\\", _SPECIAL.sub(r"\\\1", " ".join(f".{text}.".split())[1:-1]))


def _anchor(heading: LexborNode) -> str:
    """The id of the heading, of what is in it, or of the section that it begins."""
    parent = heading.parent
    inner = heading.css_first("[id]") or heading.css_first("a[name]")
    nodes = [heading, inner]
    if parent is not None and parent.tag == "section":
        nodes.append(parent)
    ids = (n.attributes.get("id") or n.attributes.get("name") for n in nodes if n is not None)
    return next((found for found in ids if found and not re.search(r"[\s{}]", found)), "")


def _code_span(code: str) -> str:
    marks = "``" if "`" in code else "`"
    return f"{marks}{' '.join(code.split())}{marks}" if code.strip() else ""


def _fence(node: LexborNode) -> str:
    language = _LANGUAGE.search(node.html or "")
    code = node.text().strip("\n")
    fence = "~~~~" if "```" in code else "```"
    return f"\n\n{fence}{language[1] if language else ''}\n{code}\n{fence}\n\n"
