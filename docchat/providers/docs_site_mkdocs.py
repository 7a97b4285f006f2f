"""The docs of an MkDocs project."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from docchat.core.models import Dialect
from docchat.errors import IndexingError
from docchat.providers.docs_site_tree import Tree, below, has_path, path_of

_UNICODE_SLUGS = ("pymdownx.slugs", "slugify_unicode")


class _Loader(yaml.SafeLoader):
    """Reads YAML whose tags name code, such as `!!python/name:…`, as the tags' text."""


def _tag_text(_: yaml.SafeLoader, suffix: str, __: yaml.Node) -> str:
    return suffix


_Loader.add_multi_constructor("!", _tag_text)
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _tag_text)


def mkdocs_tree(root: Path, config: Path, site_url: str) -> Tree:
    """The folder of pages of a project.

    Args:
        root: the project's folder.
        config: its `mkdocs.yml`.
        site_url: without a path, that of the configuration's `site_url` is added.

    Raises:
        IndexingError: the configuration cannot be read.
    """
    options = mapping_of(config)
    url = site_url if has_path(site_url) else below(site_url, path_of(str(options.get("site_url"))))
    extensions = _extensions(options.get("markdown_extensions"))
    slugify = str(extensions.get("toc", {}).get("slugify"))
    is_unicode = any(name in slugify for name in _UNICODE_SLUGS)
    folder = root / str(options.get("docs_dir", "docs"))
    bases = extensions.get("pymdownx.snippets", {}).get("base_path", ["."])
    named = bases if isinstance(bases, list) else [bases]
    return Tree(
        folder=folder,
        root=root,
        url=below(url),
        dialect=Dialect.MKDOCS_UNICODE if is_unicode else Dialect.MKDOCS,
        directory_urls=options.get("use_directory_urls") is not False,
        snippets=(*(root / str(base) for base in named), folder),
    )


def mapping_of(config: Path) -> Mapping[str, object]:
    """The top of a YAML configuration.

    Raises:
        IndexingError: it is not a YAML mapping.
    """
    try:
        # The loader is PyYAML's safe one; the tags that it knows beyond that become text.
        loaded = yaml.load(config.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as exc:
        raise IndexingError(f"{config} cannot be read: {type(exc).__name__}") from exc
    if not isinstance(loaded, dict):
        raise IndexingError(f"{config} is not a YAML mapping")
    return loaded


def _extensions(listed: object) -> dict[str, dict[str, object]]:
    """The extensions by name, each with its options."""
    found: dict[str, dict[str, object]] = {}
    entries = listed if isinstance(listed, list) else [listed]
    for entry in entries:
        for name, options in entry.items() if isinstance(entry, dict) else ():
            found[str(name)] = options if isinstance(options, dict) else {}
    return found
