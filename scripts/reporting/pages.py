"""Which page a chunk is of: the log has the chunks' ids only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from docchat.core.chunking import chunk
from docchat.core.models import Page


@dataclass(frozen=True, slots=True)
class Place:
    """A page as a reader of the report knows it; `url` is empty where it is not known."""

    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a site by their paths, and the path of each chunk."""

    places: Mapping[str, Place] = field(default_factory=dict)
    path_of: Mapping[str, str] = field(default_factory=dict)

    def page_of(self, chunk_id: str) -> str:
        """The path of a chunk's page; the id itself where the docs have no such chunk."""
        return self.path_of.get(chunk_id, chunk_id)

    def place(self, path: str) -> Place:
        """How to show a page."""
        return self.places.get(path, Place(path))


def pages_of(pages: Iterable[Page]) -> Pages:
    """Cut the pages as the indexer does; the same text in the same place has the same id."""
    places: dict[str, Place] = {}
    path_of: dict[str, str] = {}
    for page in pages:
        places[page.path] = Place(page.title or page.path, page.url)
        path_of.update((piece.id, page.path) for piece in chunk(page))
    return Pages(places, path_of)
