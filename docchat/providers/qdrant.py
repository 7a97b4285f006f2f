"""The index on a Qdrant server, over REST.

The configured collection name is an alias. Each version is a collection of its own, named
COLLECTION_TIME_NONCE, that carries its manifest as metadata; to move the alias is to publish.
"""

import asyncio
import ipaddress
import logging
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from docchat.core.models import (
    EVERYWHERE,
    Manifest,
    Point,
    Retrieved,
    Scope,
    SparseVector,
    Vector,
)
from docchat.core.payload import (
    CANDIDATES,
    DENSE,
    FILTERED,
    SPARSE,
    VERSION,
    manifest_of,
    manifest_payload,
    payload_of,
    retrieved,
    values_in,
    version_name,
)
from docchat.errors import (
    IndexUnavailable,
    Misconfigured,
    ServiceError,
    UpstreamBadResponse,
    UpstreamTimeout,
)
from docchat.providers.qdrant_errors import docchat_error

_WRITE_TIMEOUT_S = 60.0
_BATCH = 100  # 3,072 numbers as JSON are 60 kB; the server takes 32 MB a request

# httpx stops at 100 connections without a word, and the 101st search waits for its turn.
_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)

_log = logging.getLogger(__name__)


class QdrantIndex:
    """A `PassageIndex` and an `IndexStore` over a Qdrant server.

    Runs are not kept apart: two at a time make two versions, and the one that publishes last
    wins. Nothing is sent before the first call.

    Args:
        url: the server's; port 6333 unless it names one.
        api_key: sent with every request, over https or to this machine only.
        collection: the alias under which the published version is read.
        timeout_s: for a whole search or read. Writes have a minute.

    Raises:
        Misconfigured: the URL is not one, or the key would go over plain http.
    """

    def __init__(
        self, url: str, api_key: SecretStr | None, collection: str, *, timeout_s: float = 5.0
    ) -> None:
        _check_url(url, with_key=api_key is not None)
        # As a header, because the client's own argument warns about plain http to this machine.
        headers = {"api-key": api_key.get_secret_value()} if api_key else None
        self._client = AsyncQdrantClient(
            url=url,
            headers=headers,
            timeout=int(_WRITE_TIMEOUT_S),
            limits=_LIMITS,
            check_compatibility=False,  # it would call the server from a thread, here and now
        )
        self._alias = collection
        self._timeout_s = timeout_s

    async def search(
        self, dense: Vector, sparse: SparseVector, limit: int, scope: Scope = EVERYWHERE
    ) -> Retrieved:
        """As `PassageIndex.search`."""
        within = _filter(scope)
        requests = [_hybrid(dense, sparse, limit, within), _nearest(dense, within)]
        async with self._within(self._timeout_s):
            answers = await self._client.query_batch_points(self._alias, requests)
        if len(answers) != len(requests):
            raise UpstreamBadResponse(f"Qdrant answered {len(answers)} of {len(requests)} queries")
        hits, nearest = (answer.points for answer in answers)
        found = retrieved(hits, nearest)
        if dropped := len(hits) - len(found.passages):
            level = logging.WARNING if found.passages else logging.ERROR
            _log.log(level, "left out %d points of %s: bad payload", dropped, self._alias)
        return found

    async def manifest(self) -> Manifest | None:
        """As `IndexStore.manifest`."""
        try:
            async with self._within(self._timeout_s):
                info = await self._client.get_collection(self._alias)
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

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """As `IndexStore.vectors`."""
        found: dict[str, Vector] = {}
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            async with self._within(_WRITE_TIMEOUT_S):
                records = await self._client.retrieve(
                    self._alias, batch, with_payload=False, with_vectors=[DENSE]
                )
            dense = ((record.id, _dense_of(record.vector)) for record in records)
            found |= {str(id_): vector for id_, vector in dense if vector is not None}
        return found

    async def begin(self, manifest: Manifest) -> str:
        """As `IndexStore.begin`, but it never raises `IndexLocked`.

        Raises:
            Misconfigured: a collection, not an alias, has the configured name.
        """
        await self._refuse_taken_name()
        version = f"{self._alias}_{version_name(datetime.now(UTC), secrets.token_hex(4))}"
        dense = models.VectorParams(size=manifest.dimension, distance=models.Distance.COSINE)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        async with self._within(_WRITE_TIMEOUT_S):
            await self._client.create_collection(
                version,
                vectors_config={DENSE: dense},
                sparse_vectors_config={SPARSE: sparse},
                metadata=manifest_payload(manifest),
            )
            for field in FILTERED:  # a server in strict mode filters by nothing else
                await self._client.create_payload_index(
                    version, field, models.PayloadSchemaType.KEYWORD
                )
        return version

    async def add(self, version: str, points: Sequence[Point]) -> None:
        """As `IndexStore.add`."""
        for start in range(0, len(points), _BATCH):
            batch = [_point_struct(point, version) for point in points[start : start + _BATCH]]
            async with self._within(_WRITE_TIMEOUT_S):
                await self._client.upsert(version, batch, wait=True)

    async def count(self, version: str) -> int:
        """As `IndexStore.count`."""
        async with self._within(_WRITE_TIMEOUT_S):
            return (await self._client.count(version, exact=True)).count

    async def publish(self, version: str) -> None:
        """As `IndexStore.publish`.

        Raises:
            Misconfigured: a collection, not an alias, has the configured name.
        """
        await self._refuse_taken_name()
        previous = await self._published()
        create = models.CreateAlias(collection_name=version, alias_name=self._alias)
        changes: list[models.AliasOperations] = [models.CreateAliasOperation(create_alias=create)]
        if previous is not None:
            delete = models.DeleteAlias(alias_name=self._alias)
            changes.insert(0, models.DeleteAliasOperation(delete_alias=delete))
        async with self._within(_WRITE_TIMEOUT_S):
            await self._client.update_collection_aliases(changes)
        if previous is not None:
            await self._drop_older_than(previous, keep=version)

    async def discard(self, version: str) -> None:
        """As `IndexStore.discard`. A version that is published after all stays."""
        if await self._published() == version:
            raise IndexUnavailable(f"{version} is published and stays", reason="published")
        async with self._within(_WRITE_TIMEOUT_S):
            await self._client.delete_collection(version)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _published(self) -> str | None:
        """The collection that the alias names."""
        async with self._within(self._timeout_s):
            aliases = (await self._client.get_aliases()).aliases
        named = (a.collection_name for a in aliases if a.alias_name == self._alias)
        return next(named, None)

    async def _refuse_taken_name(self) -> None:
        if self._alias in await self._collections():
            raise Misconfigured(
                f"QDRANT_COLLECTION_NAME={self._alias!r} is to be an alias, but the server has a"
                " collection of that name: set another name, or delete the collection"
            )

    async def _collections(self) -> list[str]:
        async with self._within(self._timeout_s):
            return [c.name for c in (await self._client.get_collections()).collections]

    async def _drop_older_than(self, previous: str, *, keep: str) -> None:
        """Drop what was begun before the previous version; another run's newest is not touched."""
        own = re.compile(re.escape(self._alias) + "_" + VERSION.pattern)
        try:
            for name in await self._collections():
                if own.fullmatch(name) and name < previous and name != keep:
                    async with self._within(_WRITE_TIMEOUT_S):
                        await self._client.delete_collection(name)
        except ServiceError as exc:
            # The new version is published: that is not undone because old ones could not go.
            _log.warning("old versions of %s are left for the next run: %s", self._alias, exc)

    @asynccontextmanager
    async def _within(self, timeout_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError as exc:
            raise UpstreamTimeout(f"Qdrant did not answer within {timeout_s:g} s") from exc
        except (ApiException, QdrantException, ValueError, AssertionError) as exc:
            # The client lets JSON errors through, and asserts that there is a result.
            raise docchat_error(exc, self._alias) from exc


def _check_url(url: str, *, with_key: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misconfigured("QDRANT_HOST must be the https:// URL of a Qdrant server")
    if with_key and parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Misconfigured("QDRANT_HOST must be https://: QDRANT_API_KEY would go in clear text")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _point_struct(point: Point, version: str) -> models.PointStruct:
    vectors: dict[str, models.Vector] = {DENSE: list(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _sparse(point.sparse)
    payload = payload_of(point.chunk, version)
    return models.PointStruct(id=point.chunk.id, vector=vectors, payload=payload)


def _dense_of(vector: object) -> Vector | None:
    """A stored point's own; None where somebody else's point has none."""
    named = vector.get(DENSE) if isinstance(vector, dict) else None
    return named if isinstance(named, list) else None


def _sparse(sparse: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _filter(scope: Scope) -> models.Filter | None:
    conditions: list[models.Condition] = [
        models.FieldCondition(key=field, match=models.MatchAny(any=values))
        for field, values in values_in(scope).items()
    ]
    return models.Filter(must=conditions) if conditions else None


def _hybrid(
    dense: Vector, sparse: SparseVector, limit: int, within: models.Filter | None
) -> models.QueryRequest:
    by_meaning = models.Prefetch(query=list(dense), using=DENSE, limit=CANDIDATES, filter=within)
    prefetch = [by_meaning]
    if sparse.indices:
        terms = _sparse(sparse)
        prefetch.append(models.Prefetch(query=terms, using=SPARSE, limit=CANDIDATES, filter=within))
    return models.QueryRequest(
        prefetch=prefetch,
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        limit=limit,
        with_payload=True,
    )


def _nearest(dense: Vector, within: models.Filter | None) -> models.QueryRequest:
    return models.QueryRequest(query=list(dense), using=DENSE, limit=1, filter=within)
