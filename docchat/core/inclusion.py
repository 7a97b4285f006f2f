"""Puts the text of other files where a page includes it: MDX partials and MkDocs snippets."""

import re
from collections.abc import Callable

from docchat.core.code_lifting import lift_code
from docchat.core.markdown import as_partial

Load = Callable[[str], str | None]
"""The text of the file that a page names, or None when there is no such text to be had."""

_IMPORT = re.compile(
    r"""^import[ \t]+(?P<name>\w+)[ \t]+from[ \t]+["'](?P<path>[^"'\n]+\.mdx?)["'];?""",
    re.MULTILINE,
)
_USE = re.compile(r"<(?P<name>\w+)(?=[\s/>])[^<>]*?(?:/>|>\s*</(?P=name)\s*>)")
_SNIPPET_MARK = "-8<-"
_SNIPPET = re.compile(
    r"^(?P<indent>[ \t]*)(?P<off>;?)-{1,}8<-{1,}[ \t]+[\"'](?P<path>[^\"'\n]+)[\"'][ \t]*$"
    r"|^(?P<indent2>[ \t]*)-{1,}8<-{1,}[ \t]*\n(?P<paths>(?:(?!.*-8<-).*\n){1,50}?)"
    r"[ \t]*-{1,}8<-{1,}[ \t]*$"
    r"|\{!(?P<include>[^!\n]+)!\}",
    re.MULTILINE,
)
_SECTION_MARK = re.compile(r"^.*-8<-+[ \t]*\[[ \t]*(?:start|end)[ \t]*:.*\n?", re.MULTILINE)
_LINES = re.compile(r":(\d*)(?::(\d*))?$")


def with_partials(body: str, load: Load) -> str:
    """The page with its imported Markdown files where their components stand.

    A partial's headings keep the anchors that they have on their own, as in Docusaurus.
    """
    if not _IMPORT.search(body):
        return body
    lifted = lift_code(body)
    used = {use["name"] for use in _USE.finditer(lifted.prose)}
    texts: dict[str, str] = {}
    for imported in _IMPORT.finditer(lifted.prose):
        if imported["name"] in used:
            partial = load(imported["path"].replace("\\", ""))
            if partial is not None:
                texts[imported["name"]] = f"\n\n{as_partial(partial).strip()}\n\n"
    return lifted.source(_USE.sub(lambda use: texts.get(use["name"], use[0]), lifted.prose))


def with_snippets(body: str, load: Load) -> str:
    """The page with the files and sections that MkDocs' snippet and include marks name."""
    if _SNIPPET_MARK not in body and "{!" not in body:
        return body

    def included(found: re.Match[str]) -> str:
        if found["off"]:
            return found[0].replace(";", "", 1)
        indent = found["indent"] or found["indent2"] or ""
        named = (found["path"] or found["include"] or found["paths"]).splitlines()
        texts = [_snippet(path.strip(), load) for path in named if path.strip()]
        return "\n".join(indent + line for text in texts for line in text.splitlines())

    return _SNIPPET.sub(included, body)


def _snippet(named: str, load: Load) -> str:
    """The file, or the lines or the section of it that `file:4:10` or `file:name` asks for."""
    if lines := _LINES.search(named):
        text = (load(named[: lines.start()]) or "").splitlines()
        start = max(1, int(lines[1] or 1))
        end = int(lines[2]) if lines[2] else None
        return "\n".join(text[start - 1 : end])
    path, _, section = named.rpartition(":")
    text_or_none = load(path) if path else load(named)
    if text_or_none is None:
        return ""
    if not path:
        return _SECTION_MARK.sub("", text_or_none)
    return _section(text_or_none, section)


def _section(text: str, name: str) -> str:
    mark = rf"^.*-8<-+[ \t]*\[[ \t]*%s[ \t]*:[ \t]*{re.escape(name)}[ \t]*\].*$"
    start = re.search(mark % "start", text, re.MULTILINE)
    end = re.compile(mark % "end", re.MULTILINE).search(text, start.end()) if start else None
    if start is None:
        return ""
    return _SECTION_MARK.sub("", text[start.end() + 1 : end.start() if end else None])
