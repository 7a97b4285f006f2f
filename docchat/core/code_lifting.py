"""Lifts code and comments out of a Markdown or MDX page, so that the rest is plain prose.

One scan from left to right, because only that order can tell a comment in code from code in a
comment. Every search is bounded or remembered, so the time is linear in the page's length.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from docchat.core.fences import CODE_INDENT, FENCE, FENCE_PREFIX, LIST_ITEM, fence_end

_TOKEN = re.compile(
    rf"\n(?=(?P<fence>{FENCE_PREFIX}(?:```|~~~)))"
    r"|\n(?P<indent>(?= {4}|\t))"
    r"|\n(?P<math>(?=[ \t>]*+\$\$[ \t]*+\n))"
    r"|`++"
    r"|\\[\\`<{]"
    r"|<!--|\{/\*|\{`|<[sS](?:cript|CRIPT|tyle|TYLE)\b"  # re.IGNORECASE costs a third more
)
_END_OF = {
    "<!--": re.compile("-->"),
    "{/*": re.compile(r"\*/\}"),
    "{`": re.compile(r"`\s*\}"),
    "<script": re.compile(r"</script\s*>", re.IGNORECASE),
    "<style": re.compile(r"</style\s*>", re.IGNORECASE),
}
_HEADING_ID = re.compile(
    r"\{/\*\s{0,9}#([^\s{}*]++)[^*\n]{0,200}\*/\}|<!--\s{0,9}#([^\s<>-]++(?:-(?!-)[^\s<>-]*+)*+)"
    r"[^\n>]{0,200}?-->"
)
_PARAGRAPH_END = re.compile(
    r"\n(?=[ \t]*+(?:\n|>|\||<|:::|#{1,6}[ \t]|(?:[-*+]|\d{1,9}[.)])[ \t]|```|~~~))"
)
_PLACEHOLDER = re.compile("[\x00\x01](\\d+)[\x00\x01]")
_LIFTED_ID = re.compile("\x02([^\x03]*)\x03")
MARKS = re.compile("\x02[^\x03]*\x03|\x04")
_MDX = re.compile(r"""^(?:import\s[^\n]*["']|<[A-Z][a-z])""", re.MULTILINE)
_MATH_END = re.compile(r"\n[ \t>]*+\$\$[ \t]*+(?=\n|$)")
_OTHER_OWNER = re.compile(r"!!!|\?\?\?|===|\[\^|:[ \t]")


@dataclass(frozen=True, slots=True)
class Lifted:
    r"""A page in two parts.

    Attributes:
        prose: the text, in which `\0n\0` stands for inline code, `\1n\1` for a block of code
            on lines of its own, and `\2id\3` for an explicit heading id.
        code: what the placeholders stand for.
        dropped: how many characters of comments, scripts and styles are gone.
    """

    prose: str
    code: list[str]
    dropped: int = 0

    def restore(self, prose: str) -> str:
        """A part of the prose with its code back in place."""
        if "\2" in prose or "\4" in prose:
            prose = MARKS.sub("", prose)
        return _PLACEHOLDER.sub(lambda m: self.code[int(m[1])], prose)

    def source(self, prose: str) -> str:
        """A part of the prose as Markdown that can be read again."""
        return self.restore(_LIFTED_ID.sub(r"{/* #\1 */}", prose))


def lift_code(text: str, *, list_step: int = 0) -> Lifted:
    r"""Take the code out of `text`, and drop its comments, scripts and styles.

    Args:
        text: lines end with `\n`, and no other control character but the tab is in it.
        list_step: by how many spaces the text of a list is indented, whatever its marker; 0
            for CommonMark's rule, by which it begins below the item's first word.
    """
    return _Scan("\n" + text, list_step).run()


class _Scan:
    def __init__(self, text: str, list_step: int) -> None:
        self._text = text
        self._code: list[str] = []
        self._dropped = 0
        self._indented = {} if _MDX.search(text) else _indented_code(text, list_step)
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
        return Lifted("".join(prose)[1:], self._code, self._dropped)

    def _replace(self, token: re.Match[str]) -> tuple[str, int]:
        """What stands for the token in the prose, and where the scan goes on."""
        opener = token[0].lower()
        if token["fence"] is not None:
            return self._fence(token.end())
        if token["math"] is not None:
            return self._math(token.end())
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

    def _math(self, start: int) -> tuple[str, int]:
        """Displayed mathematics is kept like code: its lines are no headings."""
        end = None if "$$" in self._unclosed else _MATH_END.search(self._text, start)
        if end is None:
            self._unclosed.add("$$")
            return "\n", start
        return self._block(start, end.end())

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
            return f"\2{heading_id[1] or heading_id[2]}\3", heading_id.end()
        if opener in self._unclosed:
            return token[0], token.end()
        end = _END_OF[opener].search(self._text, token.end())
        if end is None:
            self._unclosed.add(opener)
            return token[0], token.end()
        if opener == "{`":
            return self._template(token.end(), end), end.end()
        self._dropped += end.end() - token.start()
        return "", end.end()

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


def _indented_code(text: str, list_step: int) -> dict[int, int]:
    """Start → end of the blocks of code that only their indentation marks (not in MDX)."""
    blocks: dict[int, int] = {}
    owners: list[int] = []  # where the text of the open list items begins, outermost first
    at = start = 0
    after_blank = True
    for line in text.split("\n"):
        content = line.lstrip(" \t")
        if content:
            indent = len(line) - len(content)
            if "\t" in line[:indent]:
                indent = len(line[:indent].expandtabs(4))
            while after_blank and owners and indent < owners[-1]:
                owners.pop()
            if indent >= CODE_INDENT + (owners[-1] if owners else 0) and (start or after_blank):
                start = start or at
                blocks[start] = at + len(line)
            else:
                start = 0
                owners += _owned(content, indent, list_step)
        after_blank = not content
        at += len(line) + 1
    return blocks


def _owned(content: str, indent: int, list_step: int) -> list[int]:
    """Where the text begins that this line owns by its indentation, if it owns any."""
    item = LIST_ITEM.match(content)
    if not item and not _OTHER_OWNER.match(content):
        return []
    if item and not list_step:
        return [indent + max(item.end(), 2)]
    step = list_step or CODE_INDENT
    return [(indent // step + 1) * step]
