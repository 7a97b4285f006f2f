import subprocess
import sys

import pytest

from tests.servers import ROOT, clean_environment

HEAVY = ("google.genai", "qdrant_client", "qdrant_edge", "google.cloud.secretmanager", "grpc")


@pytest.mark.parametrize("function", ["chat", "health"])
def test_importing_a_function_loads_none_of_the_sdks(function: str) -> None:
    program = (
        "import runpy, sys;"
        f"runpy.run_path('functions/{function}/main.py');"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"
