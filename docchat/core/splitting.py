"""Splits long Markdown at its most natural boundaries."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from docchat.core.fences import FENCE, fence_end

_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+")


class _Part(NamedTuple):
    """A piece of text and what separates it from the piece before."""

    separator: str
    text: str


def split(text: str, max_chars: int) -> list[str]:
    """Cut `text` into pieces of at most `max_chars` characters, each as long as possible.

    Cuts are between paragraphs, else lines, else sentences, else words. A fenced block is cut
    only when it alone is too long: between lines, and each piece is a fence of its own.
    """
    if len(text) <= max_chars:
        return [text] if text.strip() else []
    return [piece for piece in _packed(_parts(text, max_chars), max_chars) if piece.strip()]


def _packed(parts: Iterable[_Part], max_chars: int) -> Iterator[str]:
    pieces: list[str] = []
    size = 0
    for separator, text in parts:
        if pieces and size + len(separator) + len(text) > max_chars:
            yield "".join(pieces)
            pieces, size = [], 0
        pieces += [separator, text] if pieces else [text]
        size = size + len(separator) + len(text) if size else len(text)
    yield "".join(pieces)


def _parts(text: str, max_chars: int) -> Iterator[_Part]:
    for separator, block in _blocks(text):
        if len(block) <= max_chars:
            yield _Part(separator, block)
        elif (opening := FENCE.match(block)) and len(opening[0]) < max_chars // 4:
            yield from _with_first(separator, _split_fence(block, opening, max_chars))
        else:
            yield from _with_first(separator, _split_prose(block, max_chars))


def _with_first(separator: str, parts: Iterator[_Part]) -> Iterator[_Part]:
    """The same parts, with the first one set apart as the whole was."""
    for part in parts:
        yield part._replace(separator=separator)
        break
    yield from parts


def _blocks(text: str) -> Iterator[_Part]:
    """Paragraphs, and fenced blocks as a whole."""
    separator, at = "", 0
    while opening := FENCE.search(text, at):
        prose = text[at : opening.start()]
        yield from _paragraphs(separator, prose)
        separator = _separator(prose[-2:]) if prose.strip() else separator
        end = fence_end(text, opening)
        yield _Part(separator, text[opening.start() : end])
        separator, at = _separator(text[end : end + 2]), end + 1
    yield from _paragraphs(separator, text[at:])


def _separator(around: str) -> str:
    return "\n\n" if around == "\n\n" else "\n"


def _paragraphs(separator: str, text: str) -> Iterator[_Part]:
    for paragraph in text.strip("\n").split("\n\n"):
        if paragraph.strip():
            yield _Part(separator, paragraph)
            separator = "\n\n"


def _split_prose(block: str, max_chars: int) -> Iterator[_Part]:
    for line in block.split("\n"):
        if len(line) <= max_chars:
            yield _Part("\n", line)
        else:
            yield from _with_first("\n", _split_line(line, max_chars))


def _split_line(line: str, max_chars: int) -> Iterator[_Part]:
    for sentence in _SENTENCE_END.split(line):
        if len(sentence) <= max_chars:
            yield _Part(" ", sentence)
        else:
            for word in sentence.split():
                yield from _with_first(" ", _cut(word, max_chars))


def _cut(text: str, max_chars: int) -> Iterator[_Part]:
    for start in range(0, len(text), max_chars):
        yield _Part("", text[start : start + max_chars])


def _split_fence(block: str, opening: re.Match[str], max_chars: int) -> Iterator[_Part]:
    first, *lines = block.split("\n")
    indent = re.sub(r"[^\s>]", " ", opening["prefix"])
    closing = indent + opening["run"]
    if lines and lines[-1].strip(" \t>").startswith(opening["run"]):
        lines.pop()
    room = max_chars - len(first) - len(closing) - 2
    code = (part for line in lines for part in _with_first("\n", _code_line(line, room)))
    for piece in _packed(code, room):
        yield _Part("\n\n", f"{first}\n{piece}\n{closing}")
        first = f"{indent}{opening['run']}{opening['info']}"


def _code_line(line: str, room: int) -> Iterator[_Part]:
    return _cut(line, room) if line else iter([_Part("", "")])
