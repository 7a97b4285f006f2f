"""One index run: chunks → plan → vectors → a new version of the index → published in one step."""

from docchat.indexing.clients import EMBED_BATCH, DocumentEmbedder, IndexStore, Progress
from docchat.indexing.plan import Report
from docchat.indexing.run import Allowed, index

__all__ = [
    "EMBED_BATCH",
    "Allowed",
    "DocumentEmbedder",
    "IndexStore",
    "Progress",
    "Report",
    "index",
]
