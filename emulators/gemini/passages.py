"""Reads a docchat prompt back: the question, and what each passage states."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FENCED = re.compile(
    r"^--- (?P<marker>\S+) (?P<label>passage \d+|question) ---\n(?P<text>.*?)\n"
    r"--- (?P=marker) end of (?P=label) ---$",
    re.DOTALL | re.MULTILINE,
)
_SENTENCE_END = re.compile(
    r"(?<=[.!?:\u3002\uff01\uff1f])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s+(?=[^a-z\s])"
)
_ADMONITION = re.compile(r"^\s*:::.*$", re.MULTILINE)
_LIKE_A_CITATION = re.compile(r"\s*\[\d+\]")
_MOST_CODE_LINES = 15
_MOST_ITEMS = 5
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered passage of the prompt."""

    n: int
    breadcrumb: str
    body: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or list item of a passage.

    Attributes:
        n: the passage's number.
        position: where it stands in the passage.
        text: one line of Markdown without links, images or HTML.
        item: whether it is an item of a list.
        block: the code or list that it introduces, as Markdown; empty if none.
    """

    n: int
    position: int
    text: str
    item: bool
    block: str = ""


def read_prompt(text: str) -> tuple[str, list[Passage]] | None:
    """The question and its passages; None when the text is not laid out as docchat's."""
    question, passages = None, []
    first = _FENCED.search(text)
    for match in _FENCED.finditer(text):
        if first and match["marker"] != first["marker"]:
            continue
        if match["label"] == "question":
            question = match["text"]
        else:
            breadcrumb, _, body = match["text"].partition("\n\n")
            passages.append(Passage(int(match["label"].split()[1]), breadcrumb, body))
    return None if question is None or not passages else (question, passages)


def statements(passage: Passage) -> list[Statement]:
    """What the passage says, in its order; headings and tables are left out."""
    found: list[Statement] = []
    for kind, text in _blocks(_MARKDOWN.parse(_ADMONITION.sub("", passage.body))):
        introduced = bool(found) and found[-1].text.endswith(":")
        if kind == "code":
            if introduced and not found[-1].block:
                found[-1] = _with_block(found[-1], text)
        elif kind == "item" and introduced and _takes_item(found[-1]):
            found[-1] = _with_block(found[-1], f"{found[-1].block}\n- {text}".lstrip())
        else:
            first, *others = _SENTENCE_END.split(text)
            found.append(Statement(passage.n, len(found), first, kind == "item"))
            found += [
                Statement(passage.n, len(found) + i, s, item=False) for i, s in enumerate(others)
            ]
    return [s for s in found if not _is_unfinished(s)]


def _is_unfinished(statement: Statement) -> bool:
    """What it announces is missing, or it is a row of a table without its head."""
    announces = statement.text.endswith(":") and not statement.block
    return announces or statement.text.startswith("|")


def _takes_item(statement: Statement) -> bool:
    return not statement.block or (
        statement.block.startswith("- ") and statement.block.count("\n- ") < _MOST_ITEMS - 1
    )


def _with_block(statement: Statement, block: str) -> Statement:
    return Statement(statement.n, statement.position, statement.text, statement.item, block)


def _blocks(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """(`code`, a fenced block), (`item`, a line) or (`text`, a paragraph in one line)."""
    inside: list[str] = []
    for token in tokens:
        if token.nesting:
            inside = [*inside, token.type] if token.nesting == 1 else inside[:-1]
        elif token.type in {"fence", "code_block"}:
            if token.content.count("\n") <= _MOST_CODE_LINES and "```" not in token.content:
                language = token.info.split(" ", 1)[0]
                yield "code", f"```{language}\n{token.content.rstrip()}\n```"
        elif token.type == "inline" and not {"heading_open", "table_open"} & set(inside):
            text = "" if _is_a_title(token.children or []) else _plain(token.children or [])
            if text:
                yield ("item" if "list_item_open" in inside else "text"), text


def _is_a_title(tokens: Sequence[Token]) -> bool:
    """Whether no word stands outside of links and bold type: such a line states nothing."""
    marked = 0
    for token in tokens:
        marked += token.nesting if token.type.startswith(("link_", "strong_")) else 0
        if not marked and re.search(r"\w", token.content):
            return False
    return True


def _plain(tokens: Sequence[Token]) -> str:
    """Text and inline code in one line; links and emphasis keep their text alone."""
    parts = []
    for token in tokens:
        if token.type == "text":
            parts.append(_LIKE_A_CITATION.sub("", token.content))
        elif token.type == "code_inline":
            parts.append(f"`{token.content}`" if "`" not in token.content else token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
    return " ".join("".join(parts).split())
