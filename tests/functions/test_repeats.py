"""The same first question, asked of a real server twice."""

from pathlib import Path

import httpx

from emulators.gemini import create_app
from emulators.server import serve_in_thread
from tests.servers import functions_framework

QUESTION = {"query": "How do I create a new signing key?"}


def test_the_second_time_gemini_is_not_asked(variables: dict[str, str], empty_folder: Path) -> None:
    gemini = create_app()
    with serve_in_thread(gemini) as gemini_url:
        keeping = {**variables, "GEMINI_BASE_URL": gemini_url, "CACHE_S": "60"}
        with functions_framework("chat", keeping, cwd=empty_folder) as url:
            first, second = (httpx.post(f"{url}/chat", json=QUESTION).json() for _ in range(2))
    assert gemini.state.stats.calls == {"batchEmbedContents": 1, "streamGenerateContent": 1}
    assert {**first, "id": ""} == {**second, "id": ""}
    assert first["outcome"] == "answered"
