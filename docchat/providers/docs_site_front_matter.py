"""YAML front matter of Markdown files."""

import re
from dataclasses import dataclass

import yaml

from docchat.core.visible import visible

_MAX_CHARS = 64 * 1024  # YAML is slow to read, and no author writes more

_BLOCK = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


class MalformedFrontMatter(Exception):
    """The block is not a YAML mapping; the text says what is wrong, in one line."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields that a page's address and title come from; "" and False where not given."""

    title: str = ""
    sidebar_label: str = ""
    id: str = ""
    slug: str = ""
    draft: bool = False
    unlisted: bool = False
    parse_number_prefixes: bool = True


def split_front_matter(text: str) -> tuple[str, str]:
    r"""The YAML of the block at the top, and the body below it; lines end with `\n`."""
    block = _BLOCK.match(text)
    return (block[1], text[block.end() :]) if block else ("", text)


def parse_front_matter(source: str) -> FrontMatter:
    """The fields of a YAML block.

    Raises:
        MalformedFrontMatter: it is not a mapping in YAML 1.1.
    """
    if len(source) > _MAX_CHARS:
        raise MalformedFrontMatter(f"front matter has more than {_MAX_CHARS} characters")
    try:
        return _fields(yaml.safe_load(source))
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        # PyYAML lets ValueError through for dates such as 2024-13-45.
        raise MalformedFrontMatter(f"front matter is not valid YAML: {_problem(exc)}") from exc


def _fields(loaded: object) -> FrontMatter:
    if loaded is None:
        return FrontMatter()
    if not isinstance(loaded, dict):
        raise MalformedFrontMatter("front matter is not a mapping")
    return FrontMatter(
        title=_text(loaded.get("title")),
        sidebar_label=_text(loaded.get("sidebar_label")),
        id=_text(loaded.get("id")),
        slug=_text(loaded.get("slug")),
        draft=loaded.get("draft") is True,
        unlisted=loaded.get("unlisted") is True,
        parse_number_prefixes=loaded.get("parse_number_prefixes") is not False,
    )


def _text(value: object) -> str:
    """Text, or a number written without quotes; anything else counts as not given."""
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return visible(str(value)).strip() if is_text else ""


def _problem(exc: Exception) -> str:
    problem = getattr(exc, "problem", None) or type(exc).__name__
    mark = getattr(exc, "problem_mark", None)
    return f"{problem}, line {mark.line + 2}" if mark else str(problem)
