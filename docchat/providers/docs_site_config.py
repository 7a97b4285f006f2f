"""Tells by its configuration which generator makes a site, and where its pages are."""

from pathlib import Path

from docchat.core.models import Dialect
from docchat.providers.docs_site_docusaurus import docusaurus_trees
from docchat.providers.docs_site_hugo import CONFIGS, hugo_trees
from docchat.providers.docs_site_mkdocs import mkdocs_tree
from docchat.providers.docs_site_tree import Tree


def trees(folder: Path, site_url: str, dialect: Dialect | None = None) -> list[Tree]:
    """The folders of pages of a project; any other folder is a folder of pages itself.

    Args:
        folder: a project of Docusaurus, MkDocs or Hugo, or a folder of Markdown.
        site_url: where it is served.
        dialect: whose Markdown the folder is; the folder is then not taken for a project.

    Raises:
        IndexingError: the project's configuration cannot be read.
    """
    if dialect is not None:
        return [_plain(folder, site_url, dialect)]
    if config := next(iter(sorted(folder.glob("docusaurus.config.*"))), None):
        return docusaurus_trees(folder, config, site_url)
    if config := _first(folder, ("mkdocs.yml", "mkdocs.yaml")):
        return [mkdocs_tree(folder, config, site_url)]
    if (folder / "content").is_dir() and (config := _first(folder, CONFIGS)):
        return hugo_trees(folder, config, site_url)
    return [_plain(folder, site_url, Dialect.DOCUSAURUS)]


def _plain(folder: Path, site_url: str, dialect: Dialect) -> Tree:
    return Tree(folder, folder, site_url.rstrip("/"), dialect=dialect, snippets=(folder,))


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
