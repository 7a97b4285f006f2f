"""Hugo's shortcodes: the tags of a Hugo page, in the text and in its code alike."""

import re
from collections.abc import Mapping

_QUOTED = r"\"(?:[^\"\\\n]|\\.){0,500}+\"|`[^`]{0,500}+`"
_SHORTCODE = re.compile(  # its parts are counted, so that one that never ends is soon given up
    rf"\{{\{{(?P<kind>[<%])(?P<body>(?:{_QUOTED}|[^\"`{{>%]++|\{{(?!\{{[<%])|[>%](?!\}}\}})){{0,60}}+)"
    r"[>%]\}\}"
)
_ARGUMENT = re.compile(rf"(?:(?P<key>[\w-]++)\s*+=\s*+)?(?P<value>{_QUOTED}|[^\s\"`=]++)")
_PARAM = re.compile(r"\{\{[<%]\s*param\s+[\"`]?([\w.-]+)[\"`]?\s*[>%]\}\}")
_SHOWN = ("title", "header", "name", "label", "caption", "alt", "text", "summary")
_SHOW_FIRST = {"tab", "details", "expand", "hint", "button"}  # titles without a name
_HIGHLIGHT = re.compile(
    r"\{\{[<%]\s*highlight\s+[\"`]?(\w+)[^\n]{0,200}?[>%]\}\}"
    r"((?:(?!\{\{[<%]\s*highlight\s).)*?)\{\{[<%]\s*/highlight\s*[>%]\}\}",
    re.DOTALL,
)


def without_shortcodes(text: str) -> str:
    """Drop the tags; keep what stands between them, and the titles that they show.

    `{{</* note */>}}` is how a page writes a shortcode without calling it: it stays, without
    the comment marks.
    """
    if "{{" not in text:
        return text
    if "highlight" in text:
        text = _HIGHLIGHT.sub(_fence, text)
    return _SHORTCODE.sub(_shown, text)


def _fence(block: re.Match[str]) -> str:
    code = block[2].strip("\n")
    fence = "~~~" if "```" in code else "```"
    return f"\n{fence}{block[1]}\n{code}\n{fence}\n"


def _shown(shortcode: re.Match[str]) -> str:
    body = shortcode["body"].strip()
    if body.startswith("/*"):
        return shortcode[0].replace("/*", "", 1).replace("*/", "", 1)
    name, _, rest = body.rstrip("/").partition(" ")
    if name.startswith("/"):
        return ""
    arguments = [(a["key"] or "", a["value"].strip('"`')) for a in _ARGUMENT.finditer(rest)]
    named = dict(arguments)
    shown = [named[key] for key in _SHOWN if key in named]
    if not shown and name in _SHOW_FIRST:
        shown = [value for key, value in arguments[:1] if not key]
    return " ".join(dict.fromkeys(shown))


def with_params(text: str, params: Mapping[str, str]) -> str:
    """The text with the site's parameters where its `param` shortcodes show them.

    Args:
        text: a page of Hugo.
        params: by their names in lower case, nested ones with dots.
    """
    if "param" not in text:
        return text
    return _PARAM.sub(lambda found: params.get(found[1].lower(), found[0]), text)
