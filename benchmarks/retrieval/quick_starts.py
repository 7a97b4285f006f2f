"""How the quick-starts of LangChain and LlamaIndex cut a page, and what they embed of it.

Each file is read as plain text, as their loaders do, and searched by meaning alone.
"""

from langchain_text_splitters import (  # type: ignore[import-not-found]
    RecursiveCharacterTextSplitter,
)
from llama_index.core import Document  # type: ignore[import-not-found]
from llama_index.core.node_parser import SentenceSplitter  # type: ignore[import-not-found]
from llama_index.core.schema import MetadataMode  # type: ignore[import-not-found]

from benchmarks.retrieval.cuts import Cut, Piece


def langchain(_path: str, text: str) -> list[Piece]:
    """LangChain's tutorial: 1,000 characters with an overlap of 200."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    return [Piece(piece, piece) for piece in splitter.split_text(text)]


def llamaindex(path: str, text: str) -> list[Piece]:
    """LlamaIndex's starter: 1,024 tokens with an overlap of 200, the file's path in front."""
    return _nodes(SentenceSplitter(), path, text)


def llamaindex_256(path: str, text: str) -> list[Piece]:
    """The same with pieces that MiniLM reads whole."""
    return _nodes(SentenceSplitter(chunk_size=256, chunk_overlap=50), path, text)


def _nodes(splitter: SentenceSplitter, path: str, text: str) -> list[Piece]:
    document = Document(text=text, metadata={"file_path": path} if path else {})
    return [
        Piece(node.get_content(MetadataMode.NONE), node.get_content(MetadataMode.EMBED))
        for node in splitter.get_nodes_from_documents([document])
    ]


QUICK_STARTS: dict[str, Cut] = {
    "LangChain 1000/200": langchain,
    "LlamaIndex default": llamaindex,
    "LlamaIndex 256 tokens": llamaindex_256,
}
