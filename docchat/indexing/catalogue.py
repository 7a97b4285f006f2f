"""The chunks that the index is to hold, and where their vectors are; on disk, however many.

SQLite keeps its temporary database in memory until it has outgrown `_CACHE_KB`.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from docchat.core.models import Chunk
from docchat.core.payload import Held, chunk_from_json, chunk_json
from docchat.errors import IndexingError

_CACHE_KB = 32_000
_SCHEMA = f"""
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -{_CACHE_KB};
CREATE TABLE chunks (
    id TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    key TEXT NOT NULL,
    chars INTEGER NOT NULL,
    body BLOB NOT NULL,
    version TEXT,
    point TEXT
) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX by_key ON chunks (key);
CREATE INDEX by_path ON chunks (path);
"""

Pair = tuple[str, Chunk]


class Catalogue:
    """All chunks of one run, by id; the first of two with the same id counts.

    Every method raises `IndexingError` when the disk for temporary files is full.

    Args:
        key_of: what a chunk's vector is made from, as in `vector_key`.
    """

    def __init__(self, key_of: Callable[[Chunk], str]) -> None:
        self._key_of = key_of
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def fill(self, chunks: Iterable[Chunk]) -> None:
        """Take in all chunks; may run in a thread of its own."""
        rows = (
            (c.id, c.path, self._key_of(c), len(c.embedded_text), chunk_json(c)) for c in chunks
        )
        with _room():
            self._db.executemany("INSERT OR IGNORE INTO chunks VALUES (?,?,?,?,?,NULL,NULL)", rows)
            self._db.executescript(_INDEXES)

    def count(self, where: str = "1") -> int:
        """How many chunks there are, or for how many this holds."""
        return self._number(f"SELECT count(*) FROM chunks WHERE {where}")  # noqa: S608 - our own

    def count_in(self, version: str) -> int:
        """How many chunks have their vectors in this version."""
        return self._number("SELECT count(*) FROM chunks WHERE version = ?", version)

    def pages(self) -> int:
        """How many pages the chunks are of."""
        return self._number("SELECT count(DISTINCT path) FROM chunks")

    def without_vector(self) -> tuple[int, int]:
        """How many different texts have no vector yet, and how many characters they have."""
        each = "SELECT max(chars) AS chars FROM chunks WHERE version IS NULL GROUP BY key"
        query = f"SELECT count(*), coalesce(sum(chars), 0) FROM ({each})"  # noqa: S608 - our own
        ((texts, chars),) = self._rows(query)
        return texts, chars

    def fingerprint(self) -> str:
        """Hash of every chunk, whatever order they came in."""
        digest = hashlib.blake2b(digest_size=16)
        with _room():
            for (body,) in self._db.execute("SELECT body FROM chunks ORDER BY id"):
                digest.update(body)
        return digest.hexdigest()

    def find(self, version: str, held: Sequence[Held]) -> None:
        """Note that this version has these vectors."""
        found = "UPDATE chunks SET version = ?, point = ? WHERE key = ? AND version IS NULL"
        with _room():
            self._db.executemany(found, [(version, one.id, one.key) for one in held if one.key])

    def forget(self, ids: Iterable[str]) -> None:
        """These chunks have no vector after all."""
        forgotten = "UPDATE chunks SET version = NULL, point = NULL WHERE id = ?"
        with _room():
            self._db.executemany(forgotten, [(id_,) for id_ in ids])

    def gone(self, held: Sequence[Held]) -> tuple[int, int]:
        """How many of these are not wanted any more; and of how many page and text are gone."""
        removed = [one for one in held if not self._has("id", one.id)]
        lost = [o for o in removed if not (self._has("path", o.path) or self._has("key", o.key))]
        return len(removed), len(lost)

    def with_vector(self, version: str, size: int) -> Iterator[list[Pair]]:
        """Chunks whose vectors are in this version, each with the id of its point there."""
        query = """SELECT id, point, body FROM chunks
            WHERE version = ? AND id > ? ORDER BY id LIMIT ?"""
        last = ""
        while rows := self._rows(query, version, last, size):
            last = rows[-1][0]
            yield [(point, chunk_from_json(body)) for _, point, body in rows]

    def to_embed(self, size: int) -> Iterator[list[list[Pair]]]:
        """Chunks without a vector, each with its key; as many different texts as `size`."""
        query = """SELECT DISTINCT key FROM chunks
            WHERE version IS NULL AND key > ? ORDER BY key LIMIT ?"""
        last = ""
        while keys := [key for (key,) in self._rows(query, last, size)]:
            last = keys[-1]
            yield [self._alike(key) for key in keys]

    def sample(self, size: int) -> list[Chunk]:
        """So many chunks, chosen by chance."""
        rows = self._rows("SELECT body FROM chunks ORDER BY random() LIMIT ?", size)
        return [chunk_from_json(body) for (body,) in rows]

    def _alike(self, key: str) -> list[Pair]:
        rows = self._rows("SELECT body FROM chunks WHERE key = ? AND version IS NULL", key)
        return [(key, chunk_from_json(body)) for (body,) in rows]

    def _has(self, column: str, value: str) -> bool:
        query = f"SELECT EXISTS (SELECT 1 FROM chunks WHERE {column} = ?)"  # noqa: S608 - our own
        return bool(self._number(query, value))

    def _number(self, query: str, *values: str) -> int:
        ((number,),) = self._rows(query, *values)
        return int(number)

    def _rows(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with _room():
            return self._db.execute(query, values).fetchall()


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        raise IndexingError(
            "there is no room for temporary files: free some, or set TMPDIR to another folder;"
            " the published index is left as it is"
        ) from exc
