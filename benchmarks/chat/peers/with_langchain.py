"""LangChain's tutorial chain behind FastAPI."""

import json
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from langchain_qdrant import QdrantVectorStore
from pydantic import BaseModel

PROMPT = ChatPromptTemplate.from_messages(
    [
        ("system", "Answer from the numbered passages alone, and cite them by number, as in [1]."),
        ("human", "{context}\n\nQuestion: {question}"),
    ]
)

app = FastAPI()
gemini = {
    "google_api_key": os.environ["GEMINI_API_KEY"],
    "base_url": os.environ["GEMINI_BASE_URL"],
}
store = QdrantVectorStore.from_existing_collection(
    collection_name="docs",
    url=os.environ["QDRANT_URL"],
    embedding=GoogleGenerativeAIEmbeddings(
        model="gemini-embedding-001", output_dimensionality=768, **gemini
    ),
    vector_name="dense",
    content_payload_key="text",
)


class Asked(BaseModel):
    """The body of a question."""

    query: str


def numbered(documents: list[Document]) -> str:
    """What the model gets of the documents."""
    return "\n\n".join(f"[{n}] {one.page_content}" for n, one in enumerate(documents, start=1))


chain = (
    {
        "context": store.as_retriever(search_kwargs={"k": 5}) | numbered,
        "question": RunnablePassthrough(),
    }
    | PROMPT
    | ChatGoogleGenerativeAI(model="gemini-3.8-flash", **gemini)
    | StrOutputParser()
)


@app.get("/health")
def health() -> dict[str, str]:
    """Say that the process is there."""
    return {"status": "ok"}


@app.post("/chat")
async def chat(asked: Asked) -> StreamingResponse:
    """Stream an answer."""
    return StreamingResponse(answer(asked.query), media_type="text/event-stream")


async def answer(question: str) -> AsyncIterator[str]:
    """The chain's text."""
    async for text in chain.astream(question):
        yield f"data: {json.dumps({'type': 'text-delta', 'delta': text})}\n\n"
    yield "data: [DONE]\n\n"
