"""The models that the emulator knows."""

from collections.abc import Mapping
from typing import Any

_EMBEDDING = ("embedContent", "batchEmbedContents", "countTokens")
_GENERATION = ("generateContent", "streamGenerateContent", "countTokens")

METHODS: Mapping[str, tuple[str, ...]] = {
    "gemini-embedding-001": _EMBEDDING,
    "gemini-embedding-2": _EMBEDDING,
    "gemini-3.8-flash": _GENERATION,
    "gemini-3.7-flash": _GENERATION,
    "gemini-3.5-flash": _GENERATION,
    "gemini-3.5-flash-lite": _GENERATION,
    # Names that no real model has, so that their vectors are never taken for real ones.
    "emulated-embedding-001": _EMBEDDING,
    "emulated-flash": _GENERATION,
}
"""Model → what it can be asked."""


def description(model: str) -> dict[str, Any]:
    """A model as `GET /models/{model}` shows it."""
    return {
        "name": f"models/{model}",
        "version": "emulated",
        "displayName": f"{model} (emulated)",
        "supportedGenerationMethods": list(METHODS[model]),
    }
