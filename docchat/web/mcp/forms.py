"""What the tools take and give, as agents read it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, Field

from docchat.core.citations import source_of
from docchat.core.models import Outcome, Passage, Source
from docchat.web.json_answer import Whole
from docchat.web.requests import MAX_MESSAGE_CHARS

DEFAULT_LIMIT = 5
MAX_LIMIT = 10


class FoundPassage(BaseModel):
    """One passage of the documentation."""

    title: str = Field(description="The page's title and the headings above the passage.")
    url: str = Field(description="The page, with the anchor of the section.")
    text: str = Field(description="The passage, as Markdown.")

    @classmethod
    def of(cls, passage: Passage) -> "FoundPassage":
        """The passage as an agent sees it."""
        source = source_of(0, passage)
        return cls(title=source.title, url=source.url, text=passage.chunk.text)


class Found(BaseModel):
    """What search_docs returns."""

    results: list[FoundPassage] = Field(
        description="Best first; empty when the documentation does not cover the query."
    )

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> "Found":
        """The passages as an agent sees them."""
        return cls(results=[FoundPassage.of(passage) for passage in passages])

    def readable(self) -> str:
        """The same as Markdown, for clients that read text alone."""
        if not self.results:
            return "The documentation does not cover this."
        return "\n\n---\n\n".join(f"## {r.title}\n{r.url}\n\n{r.text}" for r in self.results)


class CitedSource(BaseModel):
    """A section that the answer cites."""

    n: int = Field(description="The number in the answer's [n].")
    title: str
    url: str
    snippet: str = Field(description="How the cited passage begins.")

    @classmethod
    def of(cls, source: Source) -> "CitedSource":
        """The source as a visitor sees it."""
        return cls(n=source.n, title=source.title, url=source.url, snippet=source.snippet)


class Answer(BaseModel):
    """What ask_docs returns."""

    answer: str = Field(description="Markdown with citations such as [1].")
    outcome: Outcome = Field(
        description="answered; partial: without a valid citation, or cut short; not_found: the"
        " documentation does not cover it; refused: withheld for safety; degraded: search results"
        " in place of an answer."
    )
    sources: list[CitedSource]

    @classmethod
    def of(cls, whole: Whole) -> "Answer":
        """The answer as an agent sees it."""
        sources = [CitedSource.of(source) for source in whole.sources]
        return cls(answer=whole.text, outcome=whole.finish.outcome, sources=sources)

    def readable(self) -> str:
        """The same as Markdown, for clients that read text alone."""
        listed = "\n".join(f"[{s.n}] {s.title}: {s.url}" for s in self.sources)
        return f"{self.answer}\n\nSources:\n{listed}" if listed else self.answer


class Form(NamedTuple):
    """A tool's name, what it is for, and its arguments and result as JSON schemas."""

    name: str
    title: str
    purpose: str
    takes: dict[str, Any]
    gives: dict[str, Any]


def _takes(required: str, meaning: str, **more: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_MESSAGE_CHARS}
    place = {"type": "string", "maxLength": 100}
    return {
        "type": "object",
        "properties": {
            required: text | {"description": meaning},
            "version": place | {"description": "The version of the docs, by the site's name."},
            "locale": place | {"description": "The language of the docs, such as fr or pt-BR."},
            **more,
        },
        "required": [required],
    }


SEARCH = Form(
    "search_docs",
    "Search the docs",
    "Search {site} by meaning and by words, and get its best passages with their URLs. Use it to"
    " read what the docs say, word for word; use ask_docs for a finished answer.",
    _takes(
        "query",
        "What to look for: a question, an error message, the name of an option.",
        limit={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_LIMIT,
            "default": DEFAULT_LIMIT,
            "description": "How many passages at most.",
        },
    ),
    Found.model_json_schema(),
)

ASK = Form(
    "ask_docs",
    "Ask the docs",
    "Ask {site} a question and get an answer that is made from its pages alone, with numbered"
    " citations. When the docs do not cover it, outcome is not_found and nothing is made up. Each"
    " call stands alone: say in the question all that it is about.",
    _takes("question", "The whole question, in any language."),
    Answer.model_json_schema(),
)


def described(form: Form, site: str) -> Tool:
    """The tool as it is listed, for a site of this name."""
    return Tool(
        name=form.name,
        title=form.title,
        description=form.purpose.format(site=site),
        input_schema=form.takes,
        output_schema=form.gives,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
