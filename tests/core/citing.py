"""Answers full of markers, and what a reader of the rendered Markdown sees of them."""

import random

from markdown_it import MarkdownIt
from markdown_it.token import Token

from docchat.core.models import Chunk, Passage

COMMONMARK = MarkdownIt("commonmark", {"html": False, "maxNesting": 1000})


def passages(count: int) -> list[Passage]:
    return [
        Passage(
            Chunk(
                f"id-{n}", f"p{n}.md", f"https://d.example/p{n}#h", f"Page {n}", ("H",), f"text {n}"
            ),
            1.0 / n,
        )
        for n in range(1, count + 1)
    ]


def tokens_of(markdown: str) -> list[Token]:
    return [t for block in COMMONMARK.parse(markdown) for t in (block, *(block.children or ()))]


def link_text(markdown: str) -> str:
    """The text within links."""
    text, depth = "", 0
    for token in tokens_of(markdown):
        depth += token.nesting if token.type.startswith("link_") else 0
        text += token.content if depth and token.type == "text" else ""
    return text


def prose(markdown: str) -> str:
    """What a reader sees outside code, with a mark where code is and where a block begins."""
    shown = {"softbreak": " ", "hardbreak": " ", "code_inline": "\0", "inline": "\1"}
    return "".join(
        t.content if t.type == "text" else shown.get(t.type, "") for t in tokens_of(markdown)
    )


def code(markdown: str) -> list[str]:
    return [t.content for t in tokens_of(markdown) if t.type in ("code_inline", "fence")]


def cut(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.choices(range(len(text) + 1), k=6))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


PARTS = [
    *(
        "[1]",
        "[2]",
        "[7]",
        "[9]",
        "[0, 1]",
        "[0-9]",
        "[007]",
        "[3]",
        "[4]",
        "[^9]",
        "\u30109\u3011",
        "[1, 3]",
        "[",
        "]",
        "(",
        ")",
        ":",
        "!",
    ),
    *("`", "``", "```", "```\n", "~~~", "~~~\n", "\n", "\n", "\n\n", " ", "  ", "    ", "word"),
    *("1", "9", "12", "- ", "* ", "1. ", "2. ", ">", "> ", "# ", "---", "===", "*", "^", "<"),
    *("\\", "."),
    *("&#91;", "&#x5D;", "&lbrack;", "&rsqb;", "&#57;", "&", ";"),
]
