"""One index run: chunks → plan → vectors → a new version of the index → published in one step."""

from docchat.indexing.clients import EMBED_BATCH, DocumentEmbedder, IndexStore, Progress
from docchat.indexing.patience import Patience
from docchat.indexing.plan import Report
from docchat.indexing.rollback import roll_back
from docchat.indexing.run import Allowed, index

__all__ = [
    "EMBED_BATCH",
    "Allowed",
    "DocumentEmbedder",
    "IndexStore",
    "Patience",
    "Progress",
    "Report",
    "index",
    "roll_back",
]
