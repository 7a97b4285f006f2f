"""Reduces tags, links and images in Markdown prose to the words a reader sees."""

import re

TAG_MARK = "\x04"
"""Stands for a tag in a heading, where even the space beside a tag counts in the anchor."""

_HEADING_MAX_CHARS = 300  # how far back the start of a heading is looked for

TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[a-z][\w.:-]*+|(?=>))"
    r"(?P<attributes>(?:[^<>{}\"'/]++|/(?!>)|\"[^\"]*+\"|'[^']*+'"
    r"|\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\})*+)(?P<empty>/?)>",
    re.IGNORECASE,
)
"""A tag of HTML or JSX, or what looks like one."""

_CLOSING_TAG = re.compile(r"</([a-z][\w.:-]*+|)\s*>", re.IGNORECASE)
_NEED_NO_CLOSING_TAG = {
    *("br", "hr", "img", "input", "wbr", "col", "source", "video", "p", "li", "dt", "dd"),
    *("thead", "tbody", "tr", "th", "td", "option"),
}
_INLINE_TAGS = {
    *("a", "abbr", "b", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"),
    *("small", "span", "strong", "sub", "sup", "u", "var"),
}
_SHOWN_ATTRIBUTE = re.compile(
    r"(?<![\w-])(?P<key>label|title|alt|value)\s*=\s*\{?\s*"
    r"(?P<quote>[\"'])(?P<shown>.*?)(?P=quote)",
    re.DOTALL,
)

_CODE = re.compile("[\x00\x01]\\d+[\x00\x01]")  # see `Lifted`

_TARGET = (
    r"\(\s*+(?:<[^<>\n]*+>|[^\s()<]*+(?:\([^\s()]*+\)[^\s()]*+)*+)"
    r"(?:\s++(?:\"[^\"]*+\"|'[^']*+'|\([^()]*+\)))?+\s*+\)"
)
_LABEL = r"(?<!\\)\[((?:[^\[\]\\]++|\\.|\[[^\[\]]*+\])*+)\]"
_IMAGE = re.compile(rf"!{_LABEL}(?:{_TARGET}|\[[^\[\]]*+\])", re.DOTALL)
_LINK = re.compile(_LABEL + _TARGET, re.DOTALL)
_REFERENCE = re.compile(rf"{_LABEL}\[([^\[\]]*+)\]", re.DOTALL)
_DEFINITION = re.compile(
    r"^[ ]{0,3}\[(?!\^)([^\[\]\n]++)\]:[ \t]*+\S++"
    r"(?:[ \t]++(?:\"[^\"\n]*+\"|'[^'\n]*+'|\([^()\n]*+\)))?+[ \t]*+$",
    re.MULTILINE,
)


def without_tags(prose: str) -> str:
    """Drop HTML and JSX tags and keep the text between them, and labels shown to a reader.

    What only looks like a tag stays: `Array<T>`, `<your-name>`, `a < b`, `<https://a.b>`. A tag
    is one that is closed somewhere on the page, closes itself, or needs no closing in HTML.
    """
    if "<" not in prose:
        return prose
    closed = {name.lower() for name in _CLOSING_TAG.findall(prose)} | _NEED_NO_CLOSING_TAG

    def replacement(tag: re.Match[str]) -> str:
        name = tag["name"].lower()
        is_tag = tag["close"] or tag["empty"] or name in closed
        if not is_tag or name.endswith(":"):
            return tag[0]
        if _in_heading(tag):
            return TAG_MARK
        return "" if name in _INLINE_TAGS else _shown(tag, name)

    return TAG.sub(replacement, prose)


def _in_heading(tag: re.Match[str]) -> bool:
    start = max(0, tag.start() - _HEADING_MAX_CHARS)
    line = tag.string[start : tag.start()].rpartition("\n")[2]
    return line.lstrip().startswith("#")


def _shown(tag: re.Match[str], name: str) -> str:
    """What a reader sees of a block's tag: a tab's label, an image's alternative text, a gap."""
    before = tag.string[tag.start() - 1 : tag.start()]
    gap = "" if before in ("", " ", "\n") else " "
    attributes = tag["attributes"]
    values = {a["key"]: a["shown"] for a in _SHOWN_ATTRIBUTE.finditer(attributes)}
    if name != "tabitem" or "label" in values:
        values.pop("value", None)
    shown = "" if name == "iframe" else " ".join(dict.fromkeys(values.values()))
    if "<" in attributes:  # components in an attribute: their code is shown
        shown = "\n".join([shown, *_CODE.findall(attributes), ""])
    return f"{gap}{shown} " if shown else gap


def without_links(prose: str) -> str:
    """Reduce links to their text and images to their alternative text; drop link definitions."""
    if "[" not in prose:
        return prose
    prose = _LINK.sub(r"\1", _IMAGE.sub(r"\1", prose))
    defined = {_key(label) for label in _DEFINITION.findall(prose)}
    if not defined:
        return prose
    prose = _DEFINITION.sub("", prose)
    return _REFERENCE.sub(lambda m: m[1] if _key(m[2] or m[1]) in defined else m[0], prose)


def _key(label: str) -> str:
    return " ".join(label.split()).casefold()
