"""Where the rows of the indexer's faults happen: a site, the emulators, and the indexer."""

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.applications import Starlette

from docchat.core.models import Chunk
from docchat.indexing.patience import Patience
from docchat.indexing.plan import all_held
from docchat.providers.qdrant import QdrantIndex
from emulators import gemini, qdrant
from emulators.faults import Faults
from emulators.server import serve_in_thread
from emulators.wire import Wire, bad_wire
from scripts.index_docs import main
from tests.servers import ROOT, clean_environment

SITE_URL = "https://docs.example.com"
PAGES = {
    f"page-{number}.md": f"# Page {number}\n\n## One\n\nFirst part of {number}.\n\n## Two\n\nLast."
    for number in range(12)
}


@dataclass
class Workshop:
    """A site of small pages and an index on a Qdrant server that is behind a bad wire."""

    folder: Path
    model: Starlette
    server: Starlette
    server_url: str
    wire: Wire
    variables: dict[str, str]

    @property
    def site(self) -> Path:
        """The folder of the site."""
        return self.folder / "site"

    @property
    def embedded(self) -> int:
        """Texts that were paid for."""
        return int(self.model.state.stats.texts_embedded)

    @property
    def model_faults(self) -> Faults:
        """What is to go wrong in Gemini."""
        faults: Faults = self.model.state.faults
        return faults

    @property
    def faults(self) -> Faults:
        """What is to go wrong in Qdrant, and what was asked of it."""
        faults: Faults = self.server.state.faults
        return faults

    def write(self, **pages: str) -> None:
        """Pages by their names without `.md`."""
        for name, text in pages.items():
            (self.site / f"{name}.md").write_text(text)

    def index(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run the indexer: its exit code, and what it prints."""
        said = io.StringIO()
        with (
            _environment({**self.variables, **variables}),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(said),
        ):
            code = main(["--docs", str(self.site), "--site-url", SITE_URL, *arguments])
        return code, " ".join(said.getvalue().split())

    @contextmanager
    def indexing(self, command: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
        """The indexer as a process of its own."""
        indexer = command or (sys.executable, "-m", "scripts.index_docs")
        process = subprocess.Popen(
            [*indexer, "--docs", str(self.site), "--site-url", SITE_URL],
            env=clean_environment({**self.variables, "PYTHONPATH": str(ROOT)}),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def published(self) -> dict[str, Chunk]:
        """What readers see, by id."""
        return asyncio.run(self._published())

    def handle(self) -> QdrantIndex:
        """Another run's handle on the index."""
        return QdrantIndex(self.server_url, None, "docs", lease_s=1.0)

    async def _published(self) -> dict[str, Chunk]:
        index = self.handle()
        try:
            version = (await index.versions())[0]
            assert version.published
            held = all_held(index, version.name, Patience())
            ids = [one.id async for some in held for one in some]
            stored = await index.stored(version.name, ids)
        finally:
            await index.aclose()
        return {id_: one.chunk for id_, one in stored.items() if one.chunk}


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A workshop in which the site is indexed and all is well."""
    model, server = gemini.create_app(), qdrant.create_app()
    with (
        TemporaryDirectory() as folder,
        serve_in_thread(model) as model_url,
        serve_in_thread(server) as server_url,
        bad_wire(server_url) as wire,
    ):
        variables = {
            "GEMINI_API_KEY": "key",
            "GEMINI_BASE_URL": model_url,
            "QDRANT_HOST": wire.url,
            "EMBEDDING_DIMENSION": "128",
            "INDEX_LEASE_S": "1",
            "INDEX_PATIENCE_S": "5",
        }
        made = Workshop(Path(folder), model, server, server_url, wire, variables)
        made.site.mkdir()
        made.write(**{name.removesuffix(".md"): text for name, text in PAGES.items()})
        assert made.index()[0] == 0
        yield made


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(clean_environment(variables))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
