"""A client for the current key: built when first asked for, replaced when the key changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import SecretStr

Key = SecretStr | None


class _Closable(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=_Closable)


@dataclass(slots=True, eq=False)
class _Built(Generic[C]):
    key: Key
    client: C
    users: int = 0


class ClientPerKey(Generic[C]):
    """One client at a time. A replaced one is closed when its last user has gone.

    Args:
        read_key: gives the current key.
        build: makes a client for a key. A failure is not remembered.
    """

    def __init__(self, read_key: Callable[[], Awaitable[Key]], build: Callable[[Key], C]) -> None:
        self._read_key = read_key
        self._build = build
        self._current: _Built[C] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[C]:
        """The client, which stays open for the length of the block even if the key changes.

        Raises what reading the key or building the client raises.
        """
        built = await self._built()
        built.users += 1
        try:
            yield built.client
        finally:
            built.users -= 1
            self._close_if_done(built)

    async def get(self) -> C:
        """The client, for a process whose keys do not change meanwhile."""
        return (await self._built()).client

    async def aclose(self) -> None:
        """Close the client, in use or not; the next one who asks gets a new one."""
        current, self._current = self._current, None
        if current is not None:
            await current.client.aclose()
        await asyncio.gather(*self._closing)

    async def _built(self) -> _Built[C]:
        key = await self._read_key()
        current = self._current
        if current is not None and current.key == key:
            return current
        # Nothing is awaited from here on: however many ask at once, one of them builds.
        self._current = _Built(key, self._build(key))
        if current is not None:
            self._close_if_done(current)
        return self._current

    def _close_if_done(self, built: _Built[C]) -> None:
        if built.users == 0 and built is not self._current:
            closing = asyncio.ensure_future(built.client.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
