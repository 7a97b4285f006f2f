"""The texts that the suite attacks with, and the harmless ones that it must leave alone."""

import json
import random
from pathlib import Path

from docchat.core.chunking import chunk
from docchat.core.hosts import host_of
from docchat.core.models import Page

_PASSAGES_A_SITE = 60


def hostile(folder: Path) -> dict[str, list[str]]:
    """Name of the set → its texts; those of more than one set count in each."""
    files = sorted(folder.glob("*.jsonl"))
    return {
        file.stem: sorted({json.loads(line)["text"] for line in _lines(file)})
        for file in files
        if file.stem != "json_parsing"  # bytes, for the parser alone
    }


def benign(corpus: Path, *, a_site: int = _PASSAGES_A_SITE) -> dict[str, list[tuple[str, str]]]:
    """Site → a fixed random sample of its passages, each with the site's own host."""
    pages: dict[str, list[Page]] = {}
    for line in _lines(corpus):
        item = json.loads(line)
        if not item.get("partial"):
            page = Page(item["path"], item["url"], item["title"], item["text"])
            pages.setdefault(item["site"], []).append(page)
    return {site: _sample(found, a_site) for site, found in sorted(pages.items())}


def _sample(pages: list[Page], count: int) -> list[tuple[str, str]]:
    rng = random.Random(8)  # noqa: S311 - nothing here is a secret
    chunks = [piece for page in pages for piece in chunk(page)]
    return [(piece.text, host_of(piece.url)) for piece in rng.sample(chunks, count)]


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()
