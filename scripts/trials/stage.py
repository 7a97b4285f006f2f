"""A site that changes, the emulators, and the index that runs write."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette

from docchat.core.chunking import chunk
from docchat.core.models import Chunk
from docchat.core.payload import vector_key
from docchat.indexing.patience import Patience
from docchat.indexing.plan import all_held
from docchat.providers.artifact_gs import gs_artifacts
from docchat.providers.artifact_gs_writing import GsArtifacts
from docchat.providers.docs_site import read_site
from docchat.providers.qdrant import QdrantIndex
from docchat.providers.qdrant_edge import EdgeIndex
from docchat.providers.qdrant_edge_artifact import ArtifactIndex
from docchat.providers.qdrant_edge_publishing import ArtifactStore
from emulators import gcs, gemini, qdrant
from emulators.faults import Fault
from emulators.server import serve_in_thread
from scripts.trials.gates import Gates, gated
from scripts.trials.runs import Run, prepare

SITE_URL = "https://docs.example.com"
DIMENSION = 128
_MODEL = "gemini-embedding-001"
_PAGES, _CHANGING, _SECTIONS = 60, 40, 6
_EMBED_S = 0.1


class Stage:
    """Where trials take place.

    Attributes:
        gates: which the runs' calls go through.
        variables: of the runs.
        direct: of whoever reads beside them, past the gates.
    """

    def __init__(
        self,
        folder: Path,
        gates: Gates,
        variables: dict[str, str],
        direct: dict[str, str],
        model: Starlette,
    ) -> None:
        self._folder = folder
        self.gates = gates
        self.variables = variables
        self.direct = direct
        self._model = model
        self._generation = 0
        self._usual_s = 2.0
        self._runs: list[Run] = []

    @property
    def site(self) -> Path:
        """The folder of the site."""
        return self._folder / "site"

    @property
    def artifact(self) -> tuple[str, str]:
        """The address of the artifacts, and that of the emulator that has them."""
        return f"{self.direct['QDRANT_HOST']}/docs", self.direct["STORAGE_BASE_URL"]

    @property
    def texts_embedded(self) -> int:
        """By all runs so far."""
        return int(self._model.state.stats.texts_embedded)

    def next_generation(self) -> None:
        """Change the text of most pages."""
        if self._runs:
            self._usual_s = self._runs[-1].seconds
        self._generation += 1
        self.site.mkdir(exist_ok=True)
        for number in range(_PAGES):
            generation = self._generation if number < _CHANGING else 0
            text = "\n\n".join(_section(number, n, generation) for n in range(_SECTIONS))
            (self.site / f"page-{number}.md").write_text(f"# Page {number}\n\n{text}\n")

    def start(self) -> Run:
        """A run over the site as it is."""
        out = self._folder / f"run-{len(self._runs)}.txt"
        arguments = ["--docs", str(self.site), "--site-url", SITE_URL, "--json"]
        self._runs.append(Run(arguments, self.variables, out, self._usual_s))
        return self._runs[-1]

    def open_index(self) -> "QdrantIndex | EdgeIndex | ArtifactIndex":
        """A handle of the parent's own, to search."""
        host = self.direct["QDRANT_HOST"]
        if host.startswith("gs:"):
            return ArtifactIndex(gs_artifacts(*self.artifact), lambda _: None, refresh_s=0.5)
        return self._opened(host)

    def _opened(self, host: str) -> QdrantIndex | EdgeIndex:
        if host.startswith("path:"):
            return EdgeIndex(Path(host.removeprefix("path:")), "docs")
        return QdrantIndex(host, None, "docs", timeout_s=30)

    def wanted_ids(self) -> set[str]:
        """Those of a clean run."""
        return {chunk.id for chunk in self._chunks()}

    def published_ids(self) -> set[str]:
        """Those that readers see."""
        held = asyncio.run(self._held())
        return next((ids for published, ids, _ in held if published), set())

    def needed(self) -> int:
        """How many texts of the site the published index does not have."""
        held = asyncio.run(self._held())
        return len(self._keys() - {key for published, _, keys in held if published for key in keys})

    def finished(self) -> int:
        """How many of these an unfinished version has."""
        held = asyncio.run(self._held())
        published = {key for is_it, _, keys in held if is_it for key in keys}
        others = {key for is_it, _, keys in held if not is_it for key in keys}
        return len((self._keys() - published) & others)

    async def _held(self) -> list[tuple[bool, set[str], set[str]]]:
        """Of each version: whether it is published, its ids and its keys."""
        host = self.direct["QDRANT_HOST"]
        if not host.startswith("gs:"):
            return await _versions_of(self._opened(host))
        there = ArtifactStore(self._folder / "parent", "docs", GsArtifacts(*self.artifact))
        await there.acquire()  # fetches what is published, and checks it
        published = [held for held in await _versions_of(there) if held[0]]
        (work,) = (self._folder / ".local/publish").iterdir()
        return published + await _versions_of(EdgeIndex(work, "docs"))

    def _chunks(self) -> list[Chunk]:
        reading = read_site(self.site, site_url=SITE_URL)
        return [piece for page in reading.pages for piece in chunk(page)]

    def _keys(self) -> set[str]:
        return {vector_key(c.embedded_text, _MODEL, DIMENSION) for c in self._chunks()}


@contextmanager
def staged(folder: Path, store: str) -> Iterator[Stage]:
    """Everything started, and a first generation published."""
    prepare()
    gates, model = Gates(), gemini.create_app()
    server = gcs.create_app() if store == "artifact" else qdrant.create_app()
    model.state.faults.add("batchEmbedContents", Fault(delay_s=_EMBED_S))
    with (
        serve_in_thread(model) as model_url,
        serve_in_thread(gemini.create_app()) as other_model_url,
        serve_in_thread(server) as server_url,
        gated(gates, model_url, server_url) as (gated_model, gated_server),
    ):
        on_disk = f"path:{folder / 'index'}"
        common = {
            "GEMINI_API_KEY": "key",
            "EMBEDDING_MODEL": _MODEL,
            "EMBEDDING_DIMENSION": str(DIMENSION),
            "INDEX_LEASE_S": "1",
        }
        hosts = {
            "qdrant": (gated_server, server_url),
            "edge": (on_disk, on_disk),
            "artifact": ("gs://trials", "gs://trials"),
        }[store]
        variables = {
            **common,
            "GEMINI_BASE_URL": gated_model,
            "QDRANT_HOST": hosts[0],
            "STORAGE_BASE_URL": gated_server,
        }
        direct = {
            **common,
            "GEMINI_BASE_URL": other_model_url,
            "QDRANT_HOST": hosts[1],
            "STORAGE_BASE_URL": server_url,
            "INDEX_REFRESH_S": "1",
        }
        stage = Stage(folder, gates, variables, direct, model)
        stage.next_generation()
        code, report = stage.start().result()
        if code != 0:
            raise RuntimeError(f"the first run failed: {report}")
        yield stage


async def _versions_of(
    index: QdrantIndex | EdgeIndex | ArtifactStore,
) -> list[tuple[bool, set[str], set[str]]]:
    try:
        found = []
        for version in await index.versions():
            held = [one async for some in all_held(index, version.name, Patience()) for one in some]
            ids, keys = {one.id for one in held}, {one.key for one in held}
            found.append((version.published, ids, keys))
        return found
    finally:
        await index.aclose()


def _section(page: int, number: int, generation: int) -> str:
    words = " ".join(f"word{page}x{number}x{n}" for n in range(40))
    return f"## Part {number}\n\nTopic {page} of generation-{generation}. {words}"
