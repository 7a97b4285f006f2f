"""Reads a live site by its sitemap: from its own origin only, within bounds, as robots.txt asks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx2
from protego import Protego
from selectolax.lexbor import LexborHTMLParser

from docchat.core.models import Page
from docchat.errors import IndexingError
from docchat.providers.docs_site import FileNote, ReadingNotes
from docchat.providers.docs_site_files import MAX_FILE_BYTES, Skip
from docchat.providers.docs_site_html import html_page

AGENT = "docchat"
"""The name under which robots.txt may ask something of us."""

_MAX_REDIRECTS = 5
_MAX_SITEMAP_BYTES = 50 * 1024 * 1024  # sitemaps.org allows no more


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is read of a site at most: pages, sitemaps, seconds for one answer and for all."""

    pages: int = 5_000
    sitemaps: int = 50
    answer_s: float = 20
    total_s: float = 3_600


def site_pages(
    sitemap_url: str, *, notes: ReadingNotes, bounds: Bounds | None = None
) -> Iterator[Page]:
    """Read the pages that a sitemap names, one after the other; no page stops the run.

    Args:
        sitemap_url: an http or https address. Other origins are not asked.
        notes: told of every page that is not read, and why.
        bounds: what is read at most.

    Raises:
        IndexingError: the sitemap cannot be read, or robots.txt refuses it.
    """
    read: set[str] = set()
    with _Site(sitemap_url, bounds or Bounds()) as site:
        for url in site.listed(notes):
            try:
                source, served_at = site.fetch(url, "text/html")
                if served_at not in read:  # two addresses may lead to one page
                    read.add(served_at)
                    yield html_page(source, _path(served_at), served_at, notes)
            except Skip as exc:
                notes.skipped.append(FileNote(url, str(exc)))


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path[1:] or 'index'}{f'?{parts.query}' if parts.query else ''}"


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; an ill-formed address is of no origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port


class _Site:
    """One origin, and what may still be asked of it."""

    def __init__(self, sitemap_url: str, bounds: Bounds) -> None:
        self._sitemap_url = sitemap_url
        self._bounds = bounds
        self._ends = time.monotonic() + bounds.total_s
        self._robots = Protego.parse("")
        if _origin(sitemap_url)[0] not in {"http", "https"}:
            raise IndexingError("the sitemap's address must begin with http:// or https://")
        self._client = httpx2.Client(timeout=bounds.answer_s, headers={"user-agent": AGENT})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def listed(self, notes: ReadingNotes) -> Iterator[str]:
        """The addresses of the pages that the sitemap and those below it name, each once."""
        self._read_robots()
        sitemaps, seen = [self._sitemap_url], {self._sitemap_url}
        pages = 0
        for sitemap in sitemaps:  # grows while it goes
            for url, is_sitemap in self._locations(sitemap, notes):
                if url in seen:
                    continue
                seen.add(url)
                if is_sitemap:
                    sitemaps += [url] if len(sitemaps) < self._bounds.sitemaps else []
                elif pages == self._bounds.pages:
                    notes.warnings.append(FileNote(sitemap, f"only {pages} pages are read"))
                    return
                else:
                    pages += 1
                    yield url

    def _locations(self, sitemap: str, notes: ReadingNotes) -> Iterator[tuple[str, bool]]:
        """What a sitemap names, and whether that is another sitemap."""
        try:
            source, _ = self.fetch(sitemap, limit=_MAX_SITEMAP_BYTES)
        except Skip as exc:
            if sitemap == self._sitemap_url:
                raise IndexingError(f"the sitemap cannot be read: {exc}") from exc
            notes.skipped.append(FileNote(sitemap, str(exc)))
            return
        for location in LexborHTMLParser(source).css("loc"):
            is_sitemap = location.parent is not None and location.parent.tag == "sitemap"
            yield location.text().strip().partition("#")[0], is_sitemap

    def _read_robots(self) -> None:
        try:
            rules, _ = self.fetch(urljoin(self._sitemap_url, "/robots.txt"), free=True)
        except Skip as exc:
            if not str(exc).startswith("status 4"):
                raise IndexingError(f"robots.txt cannot be read: {exc}") from exc
            rules = ""  # a site without one may be read (RFC 9309, 2.3.1.3)
        self._robots = Protego.parse(rules)

    def fetch(
        self, url: str, kind: str = "", *, limit: int = MAX_FILE_BYTES, free: bool = False
    ) -> tuple[str, str]:
        """What the address holds, and where redirects inside the origin led to.

        Args:
            url: of any origin.
            kind: the media type that it must have, if any.
            limit: bytes.
            free: whether robots.txt has no say.

        Raises:
            Skip: it may not or cannot be read.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            self._check(url, free=free)
            try:
                content, location = self._get(url, kind, limit)
            except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
                raise Skip(f"cannot be read: {type(exc).__name__}") from exc
            if not location:
                return content, url
            url = urljoin(url, location)
        raise Skip("too many redirects")

    def _check(self, url: str, *, free: bool) -> None:
        if _origin(url) != _origin(self._sitemap_url):
            raise Skip("on another origin than the sitemap")
        if not free and not self._robots.can_fetch(url, AGENT):
            raise Skip("robots.txt asks not to read it")
        if time.monotonic() > self._ends:
            raise Skip(f"the run took more than {self._bounds.total_s:g} s")

    def _get(self, url: str, kind: str, limit: int) -> tuple[str, str]:
        """The text, or where else to look."""
        ends = time.monotonic() + self._bounds.answer_s
        with self._client.stream("GET", url) as response:
            if response.is_redirect:
                return "", response.headers["location"]
            if response.status_code != httpx2.codes.OK:
                raise Skip(f"status {response.status_code}")
            if kind and not response.headers.get("content-type", "").startswith(kind):
                raise Skip(f"not {kind}")
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > limit:
                    raise Skip(f"larger than {limit} bytes")
                if time.monotonic() > ends:
                    raise Skip(f"took more than {self._bounds.answer_s:g} s")
            return content.decode("utf-8", errors="replace"), ""
