"""The published index on a Qdrant server, to search: two calls of its REST API.

qdrant-client takes three quarters of a second to import, which a visitor would wait for after
every cold start. A test holds the two calls against the client's own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import SecretStr, TypeAdapter, ValidationError

from docchat.core.models import EVERYWHERE, Manifest, Retrieved, Scope, SparseVector, Vector
from docchat.core.payload import (
    CANDIDATES,
    DENSE,
    SPARSE,
    manifest_of,
    read,
    retrieved,
    values_in,
)
from docchat.errors import (
    IndexUnavailable,
    ServiceError,
    UpstreamBadResponse,
    UpstreamTimeout,
)
from docchat.providers.qdrant_address import check_address, rest_address
from docchat.providers.qdrant_status import busy, status_error
from docchat.tls import trusted

_TOO_MANY = 429
# httpx2 stops at 100 connections without a word, and the 101st search waits for its turn.
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=20)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Hit:
    id: str | int
    score: float
    payload: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    points: list[_Hit]


@dataclass(frozen=True, slots=True)
class _Answers:
    result: list[_Found]


@dataclass(frozen=True, slots=True)
class _Config:
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Collection:
    config: _Config = field(default_factory=_Config)


@dataclass(frozen=True, slots=True)
class _Info:
    result: _Collection


_BODY = TypeAdapter(dict[str, Any])  # writes numbers ten times as fast as json
_JSON = {"content-type": "application/json"}
_ANSWERS = TypeAdapter(_Answers)
_INFO = TypeAdapter(_Info)


class QdrantSearch:
    """A `PassageIndex` over a Qdrant server.

    Nothing is sent before the first call.

    Args:
        url: the server's; port 6333 unless it names one.
        api_key: sent with every request, over https or to this machine only.
        collection: the alias under which the published version is read.
        timeout_s: for a whole call.

    Raises:
        Misconfigured: the URL is not one, or the key would go over plain http.
    """

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None,
        collection: str,
        *,
        timeout_s: float = 5.0,
    ) -> None:
        check_address(url, with_key=api_key is not None)
        self._http = httpx2.AsyncClient(
            base_url=f"{rest_address(url)}/collections/",
            headers={"api-key": api_key.get_secret_value()} if api_key else None,
            verify=trusted(),
            timeout=timeout_s,
            limits=_LIMITS,
        )
        self._alias = collection
        self._timeout_s = timeout_s

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`."""
        body = {"searches": searches(dense, sparse, limit, scope)}
        async with self._calling():
            path = f"{self._alias}/points/query/batch"
            reply = await self._http.post(path, content=_BODY.dump_json(body), headers=_JSON)
            answers = _ANSWERS.validate_json(_content(reply, self._alias)).result
        if len(answers) != len(body["searches"]):
            raise UpstreamBadResponse(f"Qdrant answered {len(answers)} of 2 queries")
        hits, nearest = (answer.points for answer in answers)
        read_hits = [(read(hit.id, hit.payload), hit.score) for hit in hits]
        found = retrieved(read_hits, nearest[0].score if nearest else 0.0)
        if dropped := len(hits) - len(found.passages):
            level = logging.WARNING if found.passages else logging.ERROR
            _log.log(level, "left out %d points of %s: bad payload", dropped, self._alias)
        return found

    async def manifest(self) -> Manifest | None:
        """As `IndexStore.manifest`."""
        try:
            async with self._calling():
                reply = await self._http.get(self._alias)
                info = _INFO.validate_json(_content(reply, self._alias)).result
        except IndexUnavailable as exc:
            if exc.reason == "collection-missing":
                return None
            raise
        manifest = manifest_of(info.config.metadata)
        if manifest is None:
            raise IndexUnavailable(
                f"{self._alias!r} on the Qdrant server was not made by docchat:"
                " set QDRANT_COLLECTION_NAME to another name",
                reason="no-manifest",
            )
        return manifest

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[None]:
        """The time that a call has, and its errors as ours."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except (TimeoutError, httpx2.TimeoutException) as exc:
            raise UpstreamTimeout(f"Qdrant did not answer within {self._timeout_s:g} s") from exc
        except httpx2.TransportError as exc:
            raise IndexUnavailable("Qdrant cannot be reached") from exc
        except (httpx2.HTTPError, ValidationError) as exc:
            text = "Qdrant answered with something that is not its API's JSON"
            raise UpstreamBadResponse(text, retries=1) from exc


def searches(
    dense: Vector, sparse: SparseVector, limit: int, scope: Scope
) -> list[dict[str, object]]:
    """The nearest by vector and by terms, fused; and the nearest by vector."""
    vector = list(dense)
    within = _filter(scope)
    sides: list[dict[str, object]] = [{"query": vector, "using": DENSE}]
    if sparse.indices:
        terms = {"indices": list(sparse.indices), "values": list(sparse.values)}
        sides.append({"query": terms, "using": SPARSE})
    prefetch = [{**side, **within, "limit": CANDIDATES} for side in sides]
    return [
        {"prefetch": prefetch, "query": {"fusion": "rrf"}, "limit": limit, "with_payload": True},
        {"query": {"nearest": vector}, "using": DENSE, **within, "limit": 1},
    ]


def _filter(scope: Scope) -> dict[str, object]:
    must = [{"key": key, "match": {"any": values}} for key, values in values_in(scope).items()]
    return {"filter": {"must": must}} if must else {}


def _content(reply: httpx2.Response, alias: str) -> bytes:
    """The body of a reply; raises a `ServiceError` for any but success."""
    if reply.is_success:
        return reply.content
    raise _failure(reply, alias)


def _failure(reply: httpx2.Response, alias: str) -> ServiceError:
    wait_s = reply.headers.get("retry-after", "")
    if reply.status_code == _TOO_MANY and wait_s.isdecimal():
        return busy(int(wait_s))
    return status_error(reply.status_code, reply.content, alias)
