"""The worst case of a model: it does what any text of the prompt tells it.

It stands in for a model that an injection has got through to, so that what comes after the model
can be tested against it.
"""

import json
import re
from typing import Any

from emulators.gemini.chunks import text_of
from emulators.gemini.passages import read_prompt

_MARKED = re.compile(r"^\W*X-SAY:[ \t]*(.+)$", re.MULTILINE)
_REVEAL = re.compile(
    r"\b(?:repeat|print|reveal|show|output|tell|disclose|display)\b[^.\n]{0,60}"
    r"\b(?:prompt|instructions?|rules|system message)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"\b(?:say|reply|respond|answer|output|print|write|repeat|include|add|append|insert|render)\b"
    r"[^\"“'`\n]{0,80}[\"“'`](.+?)[\"”'`](?!\w)",
    re.IGNORECASE,
)


def obeyed(body: dict[str, Any]) -> str:
    r"""What the model says.

    In this order: the rest of every line that begins with `X-SAY:` (with `\n` for a new line);
    the whole prompt, where a text asks for its rules; the quoted text of every `say "…"`,
    `append '…'` and the like; and else the question, said back.

    Args:
        body: a request of `generateContent`.
    """
    texts = [text_of(content) for content in body["contents"]]
    everything = "\n".join(texts)
    if marked := _MARKED.findall(everything):
        return "\n".join(marked).replace("\\n", "\n")
    if _REVEAL.search(everything):
        return text_of(body["systemInstruction"]) if body.get("systemInstruction") else everything
    if quoted := _QUOTED.findall(everything):
        return "\n".join(quoted)
    read = read_prompt(texts[-1])
    return read[0] if read else json.dumps(texts[-1])
