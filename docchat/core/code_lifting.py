"""Lifts code and comments out of a Markdown or MDX page, so that the rest is plain prose.

One scan from left to right, because only that order can tell a comment in code from code in a
comment. Every search is bounded or remembered, so the time is linear in the page's length.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from docchat.core.fences import FENCE, FENCE_PREFIX, fence_end

_TOKEN = re.compile(
    rf"\n(?=(?P<fence>{FENCE_PREFIX}(?:```|~~~)))"
    r"|\n(?P<indent>(?= {4}|\t))"
    r"|`++"
    r"|\\[\\`<{]"
    r"|<!--|\{/\*|\{`|<(?:script|style)\b",
    re.IGNORECASE,
)
_END_OF = {
    "<!--": re.compile("-->"),
    "{/*": re.compile(r"\*/\}"),
    "{`": re.compile(r"`\s*\}"),
    "<script": re.compile(r"</script\s*>", re.IGNORECASE),
    "<style": re.compile(r"</style\s*>", re.IGNORECASE),
}
_HEADING_ID = re.compile(r"\{/\*\s*#([^\s{}*]++)\s*\*/\}")
_PARAGRAPH_END = re.compile(
    r"\n(?=[ \t]*+(?:\n|>|\||<|:::|#{1,6}[ \t]|(?:[-*+]|\d{1,9}[.)])[ \t]|```|~~~))"
)
_PLACEHOLDER = re.compile("[\x00\x01](\\d+)[\x00\x01]")
MARKS = re.compile("\x02[^\x03]*\x03|\x04")
_MDX = re.compile(r"""^(?:import\s[^\n]*["']|<[A-Z][a-z])""", re.MULTILINE)
_OWNS_INDENTED_TEXT = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)]|!!!|\?\?\?|===|\[\^)")


@dataclass(frozen=True, slots=True)
class Lifted:
    r"""A page in two parts.

    Attributes:
        prose: the text, in which `\0n\0` stands for inline code, `\1n\1` for a block of code
            on lines of its own, and `\2id\3` for an explicit heading id.
        code: what the placeholders stand for.
    """

    prose: str
    code: list[str]

    def restore(self, prose: str) -> str:
        """A part of the prose with its code back in place."""
        return _PLACEHOLDER.sub(lambda m: self.code[int(m[1])], MARKS.sub("", prose))


def lift_code(text: str) -> Lifted:
    r"""Take the code out of `text`, and drop its comments, scripts and styles.

    Args:
        text: lines end with `\n`, and no other control character but the tab is in it.
    """
    return _Scan("\n" + text).run()


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._code: list[str] = []
        self._indented = {} if _MDX.search(text) else _indented_code(text)
        self._unclosed: set[str] = set()  # openers that nothing closes from here on
        self._paragraph_end = -1
        self._runs: Mapping[int, list[int]] | None = None

    def run(self) -> Lifted:
        prose, at = [], 0
        while token := _TOKEN.search(self._text, at):
            prose.append(self._text[at : token.start()])
            replacement, at = self._replace(token)
            prose.append(replacement)
        prose.append(self._text[at:])
        return Lifted("".join(prose)[1:], self._code)

    def _replace(self, token: re.Match[str]) -> tuple[str, int]:
        """What stands for the token in the prose, and where the scan goes on."""
        opener = token[0].lower()
        if token["fence"] is not None:
            return self._fence(token.end())
        if token["indent"] is not None:
            return self._block(token.end(), self._indented.get(token.end(), token.end()))
        if opener[0] == "`":
            return self._span(token)
        if opener in _END_OF:
            return self._enclosed(token, opener)
        return token[0], token.end()

    def _fence(self, start: int) -> tuple[str, int]:
        opening = FENCE.match(self._text, start)
        return self._block(start, fence_end(self._text, opening) if opening else start)

    def _block(self, start: int, end: int) -> tuple[str, int]:
        if start == end:
            return "\n", end
        return f"\n{self._lifted(self._text[start:end], block=True)}", end

    def _lifted(self, code: str, *, block: bool) -> str:
        self._code.append(code)
        mark = "\1" if block else "\0"
        return f"{mark}{len(self._code) - 1}{mark}"

    def _span(self, token: re.Match[str]) -> tuple[str, int]:
        """Inline code ends at the next run of as many backticks, in the same paragraph."""
        size = len(token[0])
        if self._runs is None:
            self._runs = _backtick_runs(self._text)
        runs = self._runs[size]
        following = bisect_right(runs, token.start())
        if following == len(runs) or runs[following] > self._end_of_paragraph(token.end()):
            return token[0], token.end()
        end = runs[following] + size
        return self._lifted(self._text[token.start() : end], block=False), end

    def _end_of_paragraph(self, at: int) -> int:
        if self._paragraph_end < at:
            found = _PARAGRAPH_END.search(self._text, at)
            self._paragraph_end = found.start() if found else len(self._text)
        return self._paragraph_end

    def _enclosed(self, token: re.Match[str], opener: str) -> tuple[str, int]:
        """A comment, script, style or template literal, up to its end."""
        if heading_id := _HEADING_ID.match(self._text, token.start()):
            return f"\2{heading_id[1]}\3", heading_id.end()
        if opener in self._unclosed:
            return token[0], token.end()
        end = _END_OF[opener].search(self._text, token.end())
        if end is None:
            self._unclosed.add(opener)
            return token[0], token.end()
        return self._template(token.end(), end) if opener == "{`" else "", end.end()

    def _template(self, start: int, end: re.Match[str]) -> str:
        """Code in a JSX template literal, as Markdown code."""
        code = self._text[start : end.start()]
        if "\n" not in code:
            return self._lifted(f"`{code}`", block=False)
        fence = "~~~" if "```" in code else "```"
        block = "\n".join((fence, code.strip("\n"), fence))
        return f"\n{self._lifted(block, block=True)}\n"


def _backtick_runs(text: str) -> Mapping[int, list[int]]:
    """Where the runs of backticks start, by their length."""
    runs: dict[int, list[int]] = defaultdict(list)
    for run in re.finditer("`++", text):
        runs[len(run[0])].append(run.start())
    return runs


def _indented_code(text: str) -> dict[int, int]:
    """Start → end of the blocks of code that only their indentation marks (not in MDX)."""
    blocks: dict[int, int] = {}
    at = start = 0
    owned, after_blank = False, True
    for line in text.split("\n"):
        if line.startswith(("    ", "\t")) and line.strip():
            if not owned and (start or after_blank):
                start = start or at
                blocks[start] = at + len(line)
        elif line.strip():
            start = 0
            owned = bool(_OWNS_INDENTED_TEXT.match(line)) or (owned and line[0] == " ")
        after_blank = not line.strip()
        at += len(line) + 1
    return blocks
