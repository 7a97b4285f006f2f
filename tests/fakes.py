"""Stand-ins for the pure unit tests of the flow; each has the Protocol of what it replaces."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace

from docchat.core.models import (
    EVERYWHERE,
    Chunk,
    Manifest,
    Passage,
    Piece,
    Point,
    Prompt,
    Retrieved,
    Scope,
    SparseVector,
    Vector,
)
from docchat.core.payload import Held, Stored, Version
from docchat.errors import IndexLocked, IndexRefused, IndexUnavailable, ServiceError

_PAGE = 100


def a_chunk(n: int, text: str | None = None) -> Chunk:
    return Chunk(
        id=f"00000000-0000-0000-0000-{n:012d}",
        path=f"page-{n}.md",
        url=f"https://docs.example.com/page-{n}#part",
        title=f"Page {n}",
        heading_path=("Part",),
        text=text or f"Text number {n}.",
    )


def passages(count: int) -> tuple[Passage, ...]:
    return tuple(Passage(a_chunk(n), 1 / n) for n in range(1, count + 1))


@dataclass
class FakeEmbedder:
    asked: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    fail_at_batch: int | None = None

    async def embed_query(self, text: str) -> Vector:
        self.asked.append(text)
        return [1.0, 0.0]

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.batches.append(list(texts))
        number = len(self.batches)
        await asyncio.sleep(0)
        if number == self.fail_at_batch:
            raise ServiceError("the embedder failed")
        return [[float(len(text)), 1.0] for text in texts]


@dataclass
class FakeIndex:
    found: Retrieved
    error: ServiceError | None = None
    holds: Scope = EVERYWHERE
    scopes: list[Scope] = field(default_factory=list)

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        self.scopes.append(scope)
        if self.error:
            raise self.error
        if scope not in {EVERYWHERE, self.holds}:
            return Retrieved((), 0.0)
        return replace(self.found, passages=self.found.passages[:limit])


@dataclass
class FakeGenerator:
    pieces: Sequence[Piece]
    error: ServiceError | None = None
    prompts: list[Prompt] = field(default_factory=list)
    closed: bool = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        self.prompts.append(prompt)
        try:
            for piece in self.pieces:
                yield piece
            if self.error:
                raise self.error
        finally:
            self.closed = True


@dataclass
class FakeAttempts:
    """A generator that does another thing each time it is asked."""

    attempts: Sequence[FakeGenerator]
    asked: int = 0

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        self.asked += 1
        return self.attempts[self.asked - 1].stream(prompt)


@dataclass
class FakeReservation:
    used: int | None = None

    def settle(self, used: int) -> None:
        self.used = used


@dataclass
class FakeBudget:
    tokens: int = 1_000_000
    reservations: list[FakeReservation] = field(default_factory=list)

    def reserve(self, tokens: int) -> FakeReservation | None:
        if tokens > self.tokens:
            return None
        self.reservations.append(FakeReservation())
        return self.reservations[-1]


@dataclass
class FakeStore:
    """Versions in memory; `lose` drops points on the way, as a broken store would."""

    versions_: dict[str, dict[str, Point]] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    published: str | None = None
    previous: str | None = None
    locked: bool = False
    lose: int = 0
    unreachable: bool = False
    taken_over: bool = False
    layout: str = ""

    async def acquire(self, *, to_write: bool = True) -> None:
        if self.locked:
            raise IndexLocked("another run holds it")
        self.locked = True

    async def check(self) -> None:
        if self.taken_over:
            raise IndexLocked("another run has taken over")

    async def release(self) -> None:
        self.locked = False

    async def manifest(self) -> Manifest | None:
        return self.manifests[self.published] if self.published else None

    async def versions(self) -> list[Version]:
        names = sorted(self.versions_, key=lambda name: name != self.published)
        return [Version(name, self.manifests[name], name == self.published) for name in names]

    async def held(self, version: str, after: str = "") -> tuple[Sequence[Held], str]:
        points = list(self.versions_[version].values())[int(after or 0) :][:_PAGE]
        held = [Held(point.chunk.id, point.chunk.path, point.key) for point in points]
        return held, str(int(after or 0) + _PAGE) if len(held) == _PAGE else ""

    async def stored(self, version: str, ids: Sequence[str]) -> dict[str, Stored]:
        held = self.versions_[version]
        return {id_: Stored(held[id_].chunk, held[id_].dense) for id_ in ids if id_ in held}

    async def note_commit(self, version: str, commit: str) -> None:
        self.manifests[version] = replace(self.manifests[version], commit=commit)

    async def begin(self, manifest: Manifest) -> str:
        name = f"v{len(self.manifests) + 1}"
        self.versions_[name], self.manifests[name] = {}, manifest
        return name

    async def add(self, version: str, points: Sequence[Point]) -> None:
        self.versions_[version] |= {point.chunk.id: point for point in points[self.lose :]}

    async def count(self, version: str) -> int:
        return len(self.versions_[version])

    async def publish(self, version: str) -> None:
        self.previous, self.published = self.published, version

    async def discard(self, version: str) -> None:
        if self.unreachable:
            raise IndexUnavailable("gone")
        del self.versions_[version]

    async def drop_unfinished(self) -> None:
        newest = list(self.versions_)[-1]
        kept = {self.published, self.previous, newest}
        self.versions_ = {name: held for name, held in self.versions_.items() if name in kept}

    async def roll_back(self, check: Callable[[Manifest], None]) -> Manifest:
        target = self.previous
        if target is None:
            raise IndexRefused("there is none")
        check(self.manifests[target])
        self.previous, self.published = self.published, target
        return self.manifests[target]

    def held_now(self) -> dict[str, Point]:
        return self.versions_[self.published] if self.published else {}
