"""The vectors of questions, by the site's own embedder."""

from collections.abc import Iterable, Mapping

from docchat.core.models import Vector
from docchat.providers.gemini import EMBED_BATCH
from docchat.runtime import Runtime

MOST_TEXTS = 5000
"""So many tell what questions have in common; about 100,000 tokens."""


async def meanings_of(texts: Iterable[str], runtime: Runtime) -> Mapping[str, Vector]:
    """The vectors of the first `MOST_TEXTS` different texts.

    Raises:
        DocchatError: a setting is wrong, or the embedder failed.
    """
    texts = list(dict.fromkeys(texts))[:MOST_TEXTS]
    gemini = await runtime.gemini()
    try:
        batches = [texts[n : n + EMBED_BATCH] for n in range(0, len(texts), EMBED_BATCH)]
        vectors = [vector for batch in batches for vector in await gemini.embed_documents(batch)]
    finally:
        await runtime.aclose()
    return dict(zip(texts, vectors, strict=True))
