"""Sets fences out from indentation that belongs to something outside of the text."""

from docchat.core.fences import CODE_INDENT, FENCE, LIST_ITEM, fence_end


def fences_set_out(text: str) -> str:
    """The text with each fence where CommonMark sees one: fewer than four spaces in.

    A fence is indented like the list item or tag that it stands in. Where that is not part of the
    text, the fence moves to the left, and its lines with it.
    """
    kept, owners, at = list[str](), list[int](), 0
    while opening := FENCE.search(text, at):
        kept.append(text[at : opening.start()])
        _follow(owners, kept[-1])
        at = fence_end(text, opening)
        kept.append(_set_out(text[opening.start() : at], opening["prefix"], owners))
    return "".join([*kept, text[at:]])


def _follow(owners: list[int], prose: str) -> None:
    """Keep the columns up to date at which the text of the open list items begins."""
    for line in prose.split("\n"):
        content = line.lstrip(" \t")
        if content:
            indent = _column(line)
            _leave(owners, indent)
            if item := LIST_ITEM.match(content):
                owners.append(indent + max(item.end(), 2))


def _set_out(block: str, prefix: str, owners: list[int]) -> str:
    if prefix.strip():  # in a quote, or on the line of its list item
        return block
    _leave(owners, _column(prefix))
    owner = owners[-1] if owners else 0
    if _column(prefix) - owner < CODE_INDENT:
        return block
    return "\n".join(_shifted(line, prefix[owner:]) for line in block.split("\n"))


def _shifted(line: str, indent: str) -> str:
    return line.removeprefix(indent) if line.startswith(indent) else line.lstrip(" \t")


def _leave(owners: list[int], indent: int) -> None:
    while owners and indent < owners[-1]:
        owners.pop()


def _column(line: str) -> int:
    """Where the line's content begins."""
    indent = len(line) - len(line.lstrip(" \t"))
    return len(line[:indent].expandtabs(CODE_INDENT))
