import os
from pathlib import Path

import pytest
from hypothesis import settings

# Their assertions are in modules that are not tests; a failing one should show its values.
pytest.register_assert_rewrite("tests.faults", "tests.infra.workspace")

# A shared machine pauses now and then; how long an example takes is no claim of these tests.
settings.register_profile("docchat", deadline=None)
settings.load_profile("docchat")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The data sets outside the repository: `retrieval/` and `hostile/`."""
    folder = os.environ.get("DOCCHAT_TEST_DATA")
    if not folder:
        pytest.skip("SKIPPED: set DOCCHAT_TEST_DATA to the folder that holds retrieval/, hostile/")
    return Path(folder)
