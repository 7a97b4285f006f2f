"""The words of the domain, as immutable values.

Reading a site:   Page → Section → Chunk → Point
Answering:        Question → Retrieved(Passage…) → Prompt → Piece… → Event…
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Vector = Sequence[float]
"""A dense embedding, of unit length."""

# --- a documentation site -----------------------------------------------------


class Dialect(StrEnum):
    """Whose Markdown a page is written in: what is a block, and how anchors are made."""

    DOCUSAURUS = "docusaurus"  # and GitHub's: a plain folder is read like this
    MKDOCS = "mkdocs"
    MKDOCS_UNICODE = "mkdocs-unicode"  # its anchors keep the letters of every script
    HUGO = "hugo"
    HTML = "html"  # a built page: the only anchors are those that are written out


MKDOCS = frozenset({Dialect.MKDOCS, Dialect.MKDOCS_UNICODE})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a documentation site, as it stands in its source folder.

    Attributes:
        path: the file's path inside the docs folder, with `/`; the page's identity.
        url: where the site serves the page, without an anchor.
        title: the page's title.
        body: Markdown or MDX, without the front matter, and with its partials put in.
        dialect: whose Markdown the body is.
        version: the version of the docs, by its generator's name; "" where there is none.
        locale: the language, such as `fr` or `pt-BR`; "" where the site does not say.
        description: the front matter's.
        tags: the front matter's.
    """

    path: str
    url: str
    title: str
    body: str
    dialect: Dialect = Dialect.DOCUSAURUS
    version: str = ""
    locale: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """The text between one heading and the next.

    Attributes:
        heading_path: the headings above the text, outermost first, without the page's title.
        anchor: the fragment of the innermost heading; empty above the first heading.
        text: cleaned Markdown: no JSX, no comments, code kept whole.
    """

    heading_path: tuple[str, ...]
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one section, small enough to embed and to quote.

    Attributes:
        id: a UUID made from path, title, heading path and text: the same text in the same
            place has the same id, on every machine and in every run.
        path: the page's path.
        url: the page's URL with the section's anchor.
        title: the page's title.
        heading_path: as in `Section`.
        text: Markdown.
        version: as in `Page`.
        locale: as in `Page`.
    """

    id: str
    path: str
    url: str
    title: str
    heading_path: tuple[str, ...]
    text: str
    version: str = ""
    locale: str = ""

    @property
    def breadcrumb(self) -> str:
        """`Title > Heading > Subheading`."""
        return " > ".join((self.title, *self.heading_path))

    @property
    def embedded_text(self) -> str:
        """What is embedded and indexed: the breadcrumb, then the text.

        The breadcrumb in front is worth +.061 MRR@10 [.031, .092] on a documentation site.
        """
        return f"{self.breadcrumb}\n\n{self.text}"


@dataclass(frozen=True, slots=True)
class SparseVector:
    """A bag of weighted terms: `indices` are unsigned 32-bit term ids, ascending."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk with its vectors, as the index stores it.

    Attributes:
        key: `vector_key` of what the dense vector was made from; "" where nobody reuses it.
    """

    chunk: Chunk
    dense: Vector
    sparse: SparseVector
    key: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """How an index was made; stored with it, compared before it is used.

    Attributes:
        embedding_model: the model of the dense vectors.
        dimension: their length.
        chunker: version of the chunking rules.
        chunks: how many points the index holds.
        fingerprint: hash of every chunk; equal means that the text has not changed.
        created_at: ISO 8601, UTC.
        normalization: of the dense vectors; `l2` is unit length.
        sparse: version of the rules for the sparse vectors; a question's must be made alike.
        pages: how many pages the chunks are of.
        commit: of the site's repository; "" where it is not known.
        layout: how the store was told to keep the index.
    """

    embedding_model: str
    dimension: int
    chunker: str
    chunks: int
    fingerprint: str
    created_at: str
    normalization: str = "l2"
    sparse: str = "1"
    pages: int = 0
    commit: str = ""
    layout: str = ""


# --- a question and its answer ------------------------------------------------


class Role(StrEnum):
    """Who said a turn of the conversation."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation. All of it comes from the client, so none of it is trusted."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the docs to search, as the visitor's page names it; "" is every one.

    Pages without a version belong to every version, pages without a locale to every locale.
    """

    version: str = ""
    locale: str = ""


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Question:
    """What the visitor asks, with the turns before it, oldest first, and where.

    Attributes:
        again: an answer was there, and the visitor wants another one.
    """

    text: str
    history: tuple[Turn, ...] = ()
    scope: Scope = EVERYWHERE
    again: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk. `score` orders passages of one search and says nothing absolute."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What one search found.

    Attributes:
        passages: best first.
        best_cosine: cosine of the question and the nearest chunk, -1 to 1; 0 with no chunk.
        index_version: name of the index version that answered; empty with no passage.
    """

    passages: tuple[Passage, ...]
    best_cosine: float
    index_version: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given: the rules apart from everything that is not trusted.

    Attributes:
        system: the rules.
        turns: the conversation; the last one holds the passages and the question.
        canary: a mark in the rules; an answer that has it recites them.
    """

    system: str
    turns: tuple[Turn, ...]
    canary: str = ""


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the model's stream; the last one carries `finish`."""

    text: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None


class Outcome(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    PARTIAL = "partial"  # no valid citation, or cut short
    NOT_FOUND = "not_found"  # the docs don't cover it
    REFUSED = "refused"  # blocked for safety
    DEGRADED = "degraded"  # search results instead of an answer


@dataclass(slots=True)
class Trace:
    """What an operator may know of one answer: times, counts and ids, never text.

    The flow fills it in as it goes. Times are milliseconds from the start of the answer.
    """

    embedded_ms: int | None = None
    retrieved_ms: int | None = None
    first_event_ms: int | None = None
    passages: int = 0
    best_cosine: float | None = None
    cited_chunks: list[str] = field(default_factory=list)
    index_version: str = ""
    retries: int = 0
    repeated: bool = False  # another visitor's answer to the same question
    leaked: bool = False  # the model began to recite its rules, and was stopped
    outcome: Outcome | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Source:
    """A cited passage, as the visitor sees it.

    Attributes:
        n: the number in the answer's `[n]`.
        title: the page's title and the headings above the passage.
        url: the page and an anchor that exists.
        snippet: how the passage begins.
        chunk_id: for the log; no visitor sees it.
    """

    n: int
    title: str
    url: str
    snippet: str
    chunk_id: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources that the text after this event cites for the first time."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event of every answer that ended well."""

    outcome: Outcome
    usage: Usage
    reason: FinishReason = FinishReason.STOP


Event = Sources | TextDelta | Finish
