import pytest

from benchmarks.index.cold_start import first_token, publish_both, ways
from benchmarks.index.corpus import points
from docchat.core.models import Chunk
from scripts.load_server import emulator

CHUNK = Chunk(
    "00000000-0000-4000-8000-000000000001",
    "install.md",
    "https://docs.example.com/install",
    "Installing",
    (),
    "Run the installer to install it.",
)


@pytest.mark.timeout(120)
async def test_a_chat_that_searches_through_qdrant_client_has_a_first_token() -> None:
    with emulator("gemini") as gemini, emulator("qdrant") as server, emulator("gcs") as storage:
        await publish_both(points([CHUNK], 1), server.url, storage.url)
        *_, (source, variables) = ways(gemini.url, server.url, storage.url).values()
        took_ms, cpu_ms, mib = first_token(source, variables)
        assert took_ms > 0
        assert cpu_ms > 0
        assert mib > 0
