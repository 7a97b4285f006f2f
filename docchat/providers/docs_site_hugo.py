"""The pages of a Hugo project, in each of its languages that has a folder of its own."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from docchat.core.models import Dialect
from docchat.errors import IndexingError
from docchat.providers.docs_site_mkdocs import mapping_of
from docchat.providers.docs_site_tree import Tree, below, has_path, path_of

CONFIGS = tuple(f"{name}.{kind}" for name in ("hugo", "config") for kind in ("toml", "yaml", "yml"))
"""The names of a project's configuration, as Hugo looks for them."""

Options = Mapping[str, object]


def hugo_trees(root: Path, config: Path, site_url: str) -> list[Tree]:
    """The folders of pages of a project.

    Args:
        root: the project's folder.
        config: its configuration, in TOML or YAML.
        site_url: without a path, that of `baseURL` is added.

    Raises:
        IndexingError: the configuration cannot be read.
    """
    options = _lower(_read(config))
    base_url = path_of(str(options.get("baseurl", "")))
    url = site_url if has_path(site_url) else below(site_url, base_url)
    default = str(options.get("defaultcontentlanguage", "en"))
    content = str(options.get("contentdir", "content"))
    languages = _mapping(options.get("languages")) or {default: {}}
    in_folder = options.get("defaultcontentlanguageinsubdir") is True
    params = dict(_flat(_mapping(options.get("params"))))
    trees: dict[Path, Tree] = {}
    for name, language in {default: languages.get(default, {}), **languages}.items():
        own = _lower(_mapping(language))
        folder = root / str(own.get("contentdir", content))
        is_default = name == default
        trees.setdefault(
            folder,
            Tree(
                folder=folder,
                root=root,
                url=below(url, "" if is_default and not in_folder else name),
                prefix="" if is_default else f"{name}/",
                dialect=Dialect.HUGO,
                locale=name,
                params={**params, **dict(_flat(_mapping(own.get("params"))))},
            ),
        )
    first, *others = trees.values()
    return [replace(first, translations=tuple(tree.folder for tree in others)), *others]


def _read(config: Path) -> Options:
    if config.suffix != ".toml":
        return mapping_of(config)
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise IndexingError(f"{config} cannot be read: {type(exc).__name__}") from exc


def _lower(options: Options) -> dict[str, object]:
    """The options by their names in lower case: Hugo does not tell them apart."""
    return {str(name).lower(): value for name, value in options.items()}


def _mapping(value: object) -> dict[str, object]:
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else {}


def _flat(params: Options, above: str = "") -> Iterator[tuple[str, str]]:
    """The parameters as text, nested ones as `above.name`, in lower case."""
    for name, value in params.items():
        path = f"{above}{name}".lower()
        if isinstance(value, dict):
            yield from _flat(_mapping(value), f"{path}.")
        elif isinstance(value, str | int | float):
            yield path, str(value)
