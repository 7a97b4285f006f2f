"""What a laptop needs and has not: the Gemini emulator and an index folder stand in.

With GEMINI_API_KEY (or GEMINI_API_KEY_SECRET) set the real Gemini is used, with QDRANT_HOST set
a real Qdrant server; nothing else changes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from docchat.errors import Misconfigured
from docchat.settings import environment
from emulators import gemini
from emulators.server import serve_in_thread

EMULATED_EMBEDDING_MODEL = "emulated-embedding-001"
EMULATED_GENERATIVE_MODEL = "emulated-flash"
EMULATED_ABSTAIN_BELOW = "0.20"

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

EMULATOR_NOTICE = (
    "No GEMINI_API_KEY is set: an emulator answers by quoting the pages. This is not Gemini."
)


def has_gemini_key(variables: dict[str, str]) -> bool:
    """Whether the real Gemini can be used."""
    return any(variables.get(name) for name in ("GEMINI_API_KEY", "GEMINI_API_KEY_SECRET"))


@contextmanager
def local_environment(
    overrides: dict[str, str] | None = None, *, delay_s: float = 0.0, local_site: bool = True
) -> Iterator[dict[str, str]]:
    """The variables to run with, for the length of the block; also put into the environment.

    Args:
        overrides: variables that win over the environment's.
        delay_s: how long the emulator waits between two pieces of an answer.
        local_site: whether the pages of an index on disk may be taken to be served here.
    """
    variables = _set(environment()) | (overrides or {})
    variables = {"QDRANT_HOST": "path:.local/index"} | variables
    if local_site and variables["QDRANT_HOST"].startswith("path:"):
        here = f"http://127.0.0.1:{variables.get('PORT', '8080')}/docs"
        variables = {"SITE_URL": here} | variables
    if has_gemini_key(variables):
        with _exported(variables):
            yield variables
        return
    with serve_in_thread(gemini.create_app(delay_s=delay_s)) as base_url:
        # Names of their own, so that an index of emulated vectors is never taken for a real one.
        variables |= {
            "GEMINI_API_KEY": "emulator",
            "GEMINI_BASE_URL": base_url,
            "EMBEDDING_MODEL": EMULATED_EMBEDDING_MODEL,
            "GENERATIVE_MODEL": EMULATED_GENERATIVE_MODEL,
        }
        variables.setdefault("ABSTAIN_BELOW", EMULATED_ABSTAIN_BELOW)
        with _exported(variables):
            yield variables


def is_emulated(variables: dict[str, str]) -> bool:
    """Whether `local_environment` put the emulator in Gemini's place."""
    return variables.get("EMBEDDING_MODEL") == EMULATED_EMBEDDING_MODEL


def refuse_to_leave(place: str, variables: dict[str, str]) -> None:
    """Raises `Misconfigured` when the emulator's vectors would get into an index that others read.

    Args:
        place: what the index is published to: a folder, `path:…`, `gs://…` or a URL.
        variables: to run with; a bucket on this machine is no bucket.
    """
    parts = urlsplit(place)
    stays = parts.scheme in {"", "path"} or parts.hostname in _LOOPBACK
    if not stays and not (parts.scheme == "gs" and variables.get("STORAGE_BASE_URL")):
        raise Misconfigured(
            f"No GEMINI_API_KEY is set, and {place} must not get the emulator's vectors: set"
            " GEMINI_API_KEY, or GEMINI_API_KEY_SECRET"
        )


def _set(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value.strip()}


@contextmanager
def _exported(variables: dict[str, str]) -> Iterator[None]:
    """The functions read the process's environment, as they do in the cloud."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
