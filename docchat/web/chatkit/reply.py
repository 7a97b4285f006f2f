"""docchat's events as one assistant message of ChatKit, as it grows."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    URLSource,
)

from docchat.core.models import Event, Finish, Source, Sources, TextDelta


class Reply:
    """The message, and which of its sources the text has not cited yet.

    Attributes:
        item: the message so far.
        open: whether it has begun and is neither whole nor taken back.
    """

    def __init__(self, thread_id: str, answer_id: str) -> None:
        self.item = AssistantMessageItem(
            # Feedback names the message, and the log knows the answer.
            id=f"msg_{answer_id}",
            thread_id=thread_id,
            created_at=datetime.now(UTC),
            content=[AssistantMessageContent(text="")],
        )
        self.open = False
        self._uncited: list[tuple[Source, int]] = []

    @property
    def content(self) -> AssistantMessageContent:
        """Its only part."""
        return self.item.content[0]

    async def grow(self, events: AsyncIterator[Event]) -> AsyncIterator[ThreadStreamEvent]:
        """ChatKit's events for docchat's; none before docchat's first."""
        async for event in events:
            if not self.open:
                self.open = True
                empty = self.item.model_copy(update={"content": []})
                yield ThreadItemAddedEvent(item=empty)
                added = AssistantMessageContent(text="")
                yield self._update(AssistantMessageContentPartAdded(content_index=0, content=added))
            match event:
                case Sources():
                    self._uncited += [(source, len(self.content.text)) for source in event.sources]
                case TextDelta():
                    self.content.text += event.text
                    part = AssistantMessageContentPartTextDelta(content_index=0, delta=event.text)
                    yield self._update(part)
                    for annotated in self._cite():
                        yield annotated
                case Finish():
                    for annotated in self._cite(at_the_end=True):
                        yield annotated

    def close(self) -> Iterator[ThreadStreamEvent]:
        """The end of a message that is kept, whole or in part."""
        if self.open:
            done = AssistantMessageContentPartDone(content_index=0, content=self.content)
            yield self._update(done)
            yield ThreadItemDoneEvent(item=self.item)
            self.open = False

    def take_back(self) -> Iterator[ThreadStreamEvent]:
        """The end of a message that nobody may keep."""
        if self.open:
            self.open = False
            yield ThreadItemRemovedEvent(item_id=self.item.id)

    def _cite(self, *, at_the_end: bool = False) -> Iterator[ThreadStreamEvent]:
        """An annotation behind the first mark of each source, once the text has it."""
        waiting = []
        for source, since in self._uncited:
            mark = f"[{source.n}]"
            start = self.content.text.find(mark, since)
            if start >= 0 or at_the_end:
                yield self._annotate(source, start + len(mark) if start >= 0 else None)
            else:
                waiting.append((source, since))
        self._uncited = waiting

    def _annotate(self, source: Source, index: int | None) -> ThreadItemUpdatedEvent:
        shown = URLSource(title=source.title, url=source.url, description=source.snippet)
        annotation = Annotation(source=shown, index=index)
        self.content.annotations.append(annotation)
        number = len(self.content.annotations) - 1
        return self._update(
            AssistantMessageContentPartAnnotationAdded(
                content_index=0, annotation_index=number, annotation=annotation
            )
        )

    def _update(self, update: ThreadItemUpdate) -> ThreadItemUpdatedEvent:
        return ThreadItemUpdatedEvent(item_id=self.item.id, update=update)
