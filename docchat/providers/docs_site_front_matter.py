"""Front matter of Markdown files."""

import re
import tomllib
from dataclasses import dataclass

import yaml

from docchat.core.visible import visible

_MAX_CHARS = 64 * 1024  # YAML is slow to read, and no author writes more

_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where PyYAML has it
_FAST_MAX_CHARS = 2_000  # it knows no RecursionError: 32,000 brackets overflow its stack

_BLOCK = re.compile(
    r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)"
    r"|\+\+\+[ \t]*\n(?P<toml>.*?)^\+\+\+[ \t]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


class MalformedFrontMatter(Exception):
    """The block is not a mapping; the text says what is wrong, in one line."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields that a page is made of; "", () and False where not given."""

    title: str = ""
    sidebar_label: str = ""
    description: str = ""
    id: str = ""
    slug: str = ""
    url: str = ""
    tags: tuple[str, ...] = ()
    draft: bool = False
    unlisted: bool = False
    parse_number_prefixes: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """The source of a front matter block; "" where there is none."""

    source: str = ""
    is_toml: bool = False


def split_front_matter(text: str) -> tuple[Block, str]:
    r"""The block at the top, in YAML or in Hugo's TOML, and the body; lines end with `\n`."""
    found = _BLOCK.match(text)
    if found is None:
        return Block(), text
    is_toml = found["toml"] is not None
    return Block(found["toml"] if is_toml else found["yaml"], is_toml), text[found.end() :]


def parse_front_matter(block: Block) -> FrontMatter:
    """The fields of a block.

    Raises:
        MalformedFrontMatter: it is not a mapping in YAML 1.1 or TOML 1.0.
    """
    if len(block.source) > _MAX_CHARS:
        raise MalformedFrontMatter(f"front matter has more than {_MAX_CHARS} characters")
    try:
        if block.is_toml:
            return _fields(tomllib.loads(block.source))
        loader = _FAST if len(block.source) <= _FAST_MAX_CHARS else yaml.SafeLoader
        return _fields(yaml.load(block.source, Loader=loader))  # noqa: S506 - both are safe
    except tomllib.TOMLDecodeError as exc:
        raise MalformedFrontMatter(f"front matter is not valid TOML: {exc}") from exc
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
        description=" ".join(_text(loaded.get("description")).split()),
        id=_text(loaded.get("id")),
        slug=_text(loaded.get("slug")),
        url=_text(loaded.get("url")),
        tags=_tags(loaded.get("tags")),
        draft=loaded.get("draft") is True,
        unlisted=loaded.get("unlisted") is True,
        parse_number_prefixes=loaded.get("parse_number_prefixes") is not False,
    )


def _text(value: object) -> str:
    """Text, or a number written without quotes; anything else counts as not given."""
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return visible(str(value)).strip() if is_text else ""


def _tags(value: object) -> tuple[str, ...]:
    """Names, or Docusaurus' mappings with a `label`."""
    if not isinstance(value, list):
        return ()
    labels = (_text(tag.get("label") if isinstance(tag, dict) else tag) for tag in value)
    return tuple(filter(None, labels))


def _problem(exc: Exception) -> str:
    problem = getattr(exc, "problem", None) or type(exc).__name__
    mark = getattr(exc, "problem_mark", None)
    return f"{problem}, line {mark.line + 2}" if mark else str(problem)
