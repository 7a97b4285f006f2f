import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from docchat.runtime import Runtime
from emulators.gemini import create_app
from emulators.server import serve_in_thread
from scripts.index_docs import publish, read
from tests.servers import ROOT

SITE_URL = "https://lighthouse.example.com/docs"
ORIGIN = "https://lighthouse.example.com"


@pytest.fixture(scope="session")
def gemini_url() -> Iterator[str]:
    with serve_in_thread(create_app(delay_s=0.03)) as url:
        yield url


@pytest.fixture(scope="session")
def variables(gemini_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A complete configuration, with the test site indexed."""
    complete = {
        "GEMINI_API_KEY": "test-key",
        "GEMINI_BASE_URL": gemini_url,
        "QDRANT_HOST": f"path:{tmp_path_factory.mktemp('index')}",
        "ALLOWED_ORIGINS": ORIGIN,
        "SITE_NAME": "Lighthouse",
    }
    reading = read(ROOT / "tests/site", site_url=SITE_URL)
    report = asyncio.run(publish(reading, Runtime(lambda: complete), Console(quiet=True)))
    assert report.published
    return complete


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder without a `.env`."""
    return tmp_path_factory.mktemp("cwd")
