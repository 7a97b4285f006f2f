"""What one call of the model is to do instead of answering well."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from emulators.faults import Fault
from emulators.gemini.chunks import Json, chunks_of, prompt_tokens, text_of
from emulators.gemini.generation import generate
from emulators.gemini.obedience import obeyed

GENERATION = "generation"
EMBEDDING = "embedding"


class Script(BaseModel):
    """One generation: what is said, how much of it comes, what comes after, how it is cut.

    Attributes:
        say: the exact pieces of the answer.
        mode: without `say`: `answer` from the passages; `echo` the prompt as JSON, system
            instruction and contents; `obey` whatever the prompt's texts ask for.
        after: so many chunks of the answer come, none with a finish reason; None: all, as they are.
        finish: the finish reason of a further chunk, which has no text.
        blocked: the block reason of a further chunk, which has no candidates.
        chunks: further chunks, as they are.
        raw: text that is sent after that, as it is.
        endless: the answer comes again and again.
        split: bytes in each piece of the response's body; 0: each chunk is a piece.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    say: tuple[str, ...] | None = None
    mode: Literal["answer", "echo", "obey"] = "answer"
    after: int | None = Field(default=None, ge=0)
    finish: str = ""
    blocked: str = ""
    chunks: tuple[Json, ...] = ()
    raw: str = ""
    endless: bool = False
    split: int = Field(default=0, ge=0)

    def played(self, model: str, body: Json) -> list[Json]:
        """The chunks that the request gets."""
        pieces, finish = self._said(body)
        kept = chunks_of(model, prompt_tokens(body), pieces, finish)
        if self.after is not None:
            kept = kept[: self.after]
            for chunk in kept:
                chunk["candidates"][0].pop("finishReason", None)
        if self.finish:
            kept.append({"candidates": [{"finishReason": self.finish, "index": 0}]})
        if self.blocked:
            kept.append({"promptFeedback": {"blockReason": self.blocked}})
        return [*kept, *self.chunks]

    def stream(self, model: str, body: Json) -> Iterator[bytes]:
        """The pieces of the response's body."""
        events = [_event(chunk) for chunk in self.played(model, body)]
        if self.endless:
            return itertools.cycle(events)
        events += [self.raw.encode()] if self.raw else []
        if not self.split:
            return iter(events)
        whole = b"".join(events)
        return (whole[i : i + self.split] for i in range(0, len(whole), self.split))

    def _said(self, body: Json) -> tuple[list[str], str]:
        if self.say is not None:
            return list(self.say), "STOP"
        if self.mode == "echo":
            shown = {key: body.get(key) for key in ("systemInstruction", "contents")}
            return [json.dumps(shown)], "STOP"
        if self.mode == "obey":
            return [obeyed(body)], "STOP"
        most = (body.get("generationConfig") or {}).get("maxOutputTokens")
        return generate(text_of(body["contents"][-1]), most)


class Embeddings(BaseModel):
    """One embedding call: what is wrong with the vectors.

    Attributes:
        missing: so many fewer vectors than texts.
        dimension: of the vectors, whatever was asked for.
        value: a JSON number, or `NaN`, in the place of every number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: int = Field(default=0, ge=0)
    dimension: int | None = Field(default=None, ge=0)
    value: str = ""

    def spoilt(self, vectors: list[list[float]]) -> str:
        """The reply's body."""
        cut = [v if self.dimension is None else v[: self.dimension] for v in vectors]
        kept = [[float(self.value)] * len(v) if self.value else v for v in cut]
        kept = kept[: len(kept) - self.missing]
        return json.dumps({"embeddings": [{"values": values} for values in kept]})


def generation(**script: Any) -> Fault:  # noqa: ANN401 - the fields of Script
    """A fault of `generateContent` and `streamGenerateContent`, with the fields of a `Script`.

    Raises:
        ValueError: a field is not one of its, or has a wrong value.
    """
    return Fault(name=GENERATION, args=Script(**script).model_dump(mode="json"))


def embedding(**spoilt: Any) -> Fault:  # noqa: ANN401 - the fields of Embeddings
    """A fault of `batchEmbedContents`, with the fields of `Embeddings`.

    Raises:
        ValueError: a field is not one of its, or has a wrong value.
    """
    return Fault(name=EMBEDDING, args=Embeddings(**spoilt).model_dump(mode="json"))


def script_of(arguments: Mapping[str, Any] | None) -> Script:
    """The script of a fault's arguments; without any, the model does its best."""
    return Script.model_validate(arguments or {})


def _event(chunk: Json) -> bytes:
    return f"data: {json.dumps(chunk)}\r\n\r\n".encode()
