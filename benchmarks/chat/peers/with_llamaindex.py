"""LlamaIndex's query engine behind FastAPI."""

import json
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from google.genai import types
from llama_index.core import VectorStoreIndex
from llama_index.embeddings.google_genai import GoogleGenAIEmbedding
from llama_index.llms.google_genai import GoogleGenAI
from llama_index.vector_stores.qdrant import QdrantVectorStore
from pydantic import BaseModel
from qdrant_client import AsyncQdrantClient, QdrantClient

app = FastAPI()
gemini = {
    "api_key": os.environ["GEMINI_API_KEY"],
    "http_options": types.HttpOptions(base_url=os.environ["GEMINI_BASE_URL"]),
}
store = QdrantVectorStore(
    collection_name="docs",
    client=QdrantClient(url=os.environ["QDRANT_URL"]),
    aclient=AsyncQdrantClient(url=os.environ["QDRANT_URL"]),
    dense_vector_name="dense",
)
embedding = GoogleGenAIEmbedding(
    model_name="gemini-embedding-001",
    embedding_config=types.EmbedContentConfig(output_dimensionality=768),
    **gemini,
)
engine = VectorStoreIndex.from_vector_store(store, embed_model=embedding).as_query_engine(
    llm=GoogleGenAI(model="gemini-3.8-flash", **gemini), streaming=True, similarity_top_k=5
)


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
    """The engine's text."""
    response = await engine.aquery(question)
    async for text in response.async_response_gen():
        yield f"data: {json.dumps({'type': 'text-delta', 'delta': text})}\n\n"
    yield "data: [DONE]\n\n"
