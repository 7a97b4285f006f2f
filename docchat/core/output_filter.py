"""The visitor's text: what of the model's text is safe to show, and whom it cites.

The filter does not trust the model. Whatever it writes, a renderer of Markdown finds no link but
to the listed hosts, no image, no HTML and no citation of something that was not retrieved. Code
stays as it is. The pieces of the stream do not change the result.
"""

from collections.abc import Collection, Sequence

from docchat.core.citations import CitationFilter
from docchat.core.code_spans import CodeSplitter, Segment
from docchat.core.hosts import Hosts, host_of
from docchat.core.links import LinkFilter
from docchat.core.markup import MarkupFilter
from docchat.core.models import Event, Passage, Sources, TextDelta
from docchat.core.visible import visible


class OutputFilter:
    """One answer's way from the model's text to events; each stage passes on segments.

    Args:
        passages: what the model was given, in the order of their numbers.
        link_hosts: where links may lead, besides the hosts of the passages.
    """

    def __init__(self, passages: Sequence[Passage], link_hosts: Collection[str] = ()) -> None:
        hosts = Hosts({*link_hosts, *(host_of(passage.chunk.url) for passage in passages)} - {""})
        self._code = CodeSplitter()
        self._citations = CitationFilter(passages)
        self._links = LinkFilter(hosts)
        self._markup = MarkupFilter(hosts)

    @property
    def cited(self) -> int:
        """How many passages the answer cites so far."""
        return self._citations.cited

    def feed(self, text: str) -> list[Event]:
        """The events that this piece makes certain; sources come before what cites them."""
        return self._events(self._code.feed(text))

    def close(self) -> list[Event]:
        """The events still held back when the answer ends."""
        return self._events(self._code.close())

    def _events(self, segments: Sequence[Segment]) -> list[Event]:
        text = self._markup.take(self._links.take(self._citations.take(segments)))
        new, self._citations.new = self._citations.new, []
        events: list[Event] = [Sources(tuple(new))] if new else []
        return [*events, TextDelta(text)] if text else events


def readable(text: str) -> str:
    """A piece of the model's text without control, bidirectional and invisible characters."""
    return visible(text.replace("\r", ""))  # half a line end, or a whole one of another system
