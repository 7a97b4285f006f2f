"""FastAPI, google-genai and qdrant-client, as one writes it in an afternoon."""

import json
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from google import genai
from google.genai import types
from pydantic import BaseModel
from qdrant_client import AsyncQdrantClient

SYSTEM = "Answer from the numbered passages alone, and cite them by number, such as [1]."

app = FastAPI()
gemini = genai.Client(
    api_key=os.environ["GEMINI_API_KEY"],
    http_options=types.HttpOptions(base_url=os.environ["GEMINI_BASE_URL"]),
)
qdrant = AsyncQdrantClient(url=os.environ["QDRANT_URL"])


class Asked(BaseModel):
    """The body of a question."""

    query: str


@app.get("/health")
def health() -> dict[str, str]:
    """Say that the process is there."""
    return {"status": "ok"}


@app.post("/chat")
async def chat(asked: Asked) -> StreamingResponse:
    """Stream an answer."""
    return StreamingResponse(answer(asked.query), media_type="text/event-stream")


async def answer(question: str) -> AsyncIterator[str]:
    """Embed, search, prompt, stream."""
    embedded = await gemini.aio.models.embed_content(
        model="gemini-embedding-001",
        contents=question,
        config=types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=768),
    )
    vector = (embedded.embeddings or [])[0].values or []
    found = await qdrant.query_points("docs", query=vector, using="dense", limit=5)
    passages = [(point.payload or {})["text"] for point in found.points]
    numbered = "\n\n".join(f"[{n}] {text}" for n, text in enumerate(passages, start=1))
    chunks = await gemini.aio.models.generate_content_stream(
        model="gemini-3.8-flash",
        contents=f"{numbered}\n\nQuestion: {question}",
        config=types.GenerateContentConfig(system_instruction=SYSTEM),
    )
    async for chunk in chunks:
        yield f"data: {json.dumps({'type': 'text-delta', 'delta': chunk.text})}\n\n"
    yield "data: [DONE]\n\n"
