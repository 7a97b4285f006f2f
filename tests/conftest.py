import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The data sets outside the repository: `retrieval/` and `hostile/`."""
    folder = os.environ.get("DOCCHAT_TEST_DATA")
    if not folder:
        pytest.skip("SKIPPED: set DOCCHAT_TEST_DATA to the folder that holds retrieval/, hostile/")
    return Path(folder)
