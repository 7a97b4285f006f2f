"""The shape of requests and replies: contents, parts, candidates, usage."""

from collections.abc import Sequence
from typing import Any

from emulators.gemini.generation import count_tokens

Json = dict[str, Any]


def text_of(content: Json) -> str:
    """A content's text: of its parts, one after the other."""
    return "".join(part.get("text", "") for part in content["parts"])


def prompt_tokens(body: Json) -> int:
    """About how long the whole prompt is."""
    contents = [*body["contents"], body.get("systemInstruction") or {"parts": []}]
    return sum(count_tokens(text_of(content)) for content in contents)


def chunks_of(model: str, asked: int, pieces: Sequence[str], finish: str) -> list[Json]:
    """An answer as a list of response bodies; usage on each, the finish reason on the last."""
    chunks = [chunk_of(piece) | {"modelVersion": model} for piece in pieces]
    answered = ""
    for chunk, piece in zip(chunks, pieces, strict=True):
        answered += piece
        chunk["usageMetadata"] = _usage(asked, count_tokens(answered))
    if chunks:
        chunks[-1]["candidates"][0]["finishReason"] = finish
    return chunks


def chunk_of(text: str, finish: str = "") -> Json:
    """One piece of an answer, with a finish reason or without."""
    candidate: Json = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})]}


def whole(chunks: Sequence[Json]) -> Json:
    """All pieces as the one reply of `generateContent`: the last one, with all the text."""
    said = "".join(
        text_of(candidate["content"])
        for chunk in chunks
        for candidate in chunk.get("candidates", ())
        if "content" in candidate
    )
    last = dict(chunks[-1]) if chunks else {}
    if last.get("candidates") and said:
        content = {"role": "model", "parts": [{"text": said}]}
        last["candidates"] = [last["candidates"][0] | {"content": content}]
    return last


def _usage(asked: int, answered: int) -> Json:
    return {
        "promptTokenCount": asked,
        "candidatesTokenCount": answered,
        "totalTokenCount": asked + answered,
    }
