"""Completes a page with what it includes from other files of its project."""

from collections.abc import Callable, Iterator
from pathlib import Path

from docchat.core.inclusion import with_partials, with_snippets
from docchat.core.models import Dialect
from docchat.core.shortcodes import with_params
from docchat.providers.docs_site_files import MAX_FILE_BYTES, Skip, text_of
from docchat.providers.docs_site_front_matter import split_front_matter
from docchat.providers.docs_site_tree import Tree

_MAX_DEPTH = 8  # of files that include files; a circle ends here
_MAX_FILES = 200


def complete(body: str, file: Path, tree: Tree) -> tuple[str, list[str]]:
    """The page's body with the text that it includes, and what could not be included, and why.

    Args:
        body: without front matter.
        file: where the page stands.
        tree: the folder of pages that it is in.
    """
    if tree.dialect is Dialect.HUGO:
        return with_params(body, tree.params), []
    inclusion = _Inclusion(tree)
    whole = inclusion.put_into(body, file)
    return whole, list(inclusion.missing)


class _Inclusion:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._files = self._characters = 0
        self.missing: dict[str, None] = {}  # each once, in their order

    def put_into(self, body: str, file: Path, depth: int = 0) -> str:
        put = with_partials if self._tree.dialect is Dialect.DOCUSAURUS else with_snippets
        return put(body, self._loader(file, depth))

    def _loader(self, file: Path, depth: int) -> Callable[[str], str | None]:
        def load(named: str) -> str | None:
            try:
                return self._text(named, file, depth)
            except Skip as exc:
                self.missing[f"includes {named}, which is not read: {exc}"] = None
                return None

        return load

    def _text(self, named: str, file: Path, depth: int) -> str:
        places = list(self._places(named, file))
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise Skip("there is no such file in the project")
        text = split_front_matter(text_of(found, self._tree.root))[1]
        self._files += 1
        self._characters += len(text)
        if depth >= _MAX_DEPTH or self._files > _MAX_FILES or self._characters > MAX_FILE_BYTES:
            raise Skip("the page includes too much")
        return self.put_into(text, found, depth + 1)

    def _places(self, named: str, file: Path) -> Iterator[Path]:
        """Where the file may be, by the generator's rules."""
        if "\0" in named:
            return
        if self._tree.dialect is not Dialect.DOCUSAURUS:
            yield from (folder / named for folder in (*self._tree.snippets, file.parent))
        elif named.startswith("@site/"):
            yield self._tree.root / named.removeprefix("@site/")
        elif named.startswith("."):
            yield file.parent / named
