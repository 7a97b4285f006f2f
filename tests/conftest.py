import os
from pathlib import Path

import pytest
from hypothesis import settings

# Their assertions are in modules that are not tests; a failing one should show its values.
pytest.register_assert_rewrite("tests.faults", "tests.infra.workspace")

# A shared machine pauses now and then; how long an example takes is no claim of these tests.
settings.register_profile("docchat", deadline=None)
settings.load_profile("docchat")

FIRST = (
    *("hostile", "generators", "operations", "scripts", "chatkit", "widget", "clients", "web"),
    *("faults", "workflows"),
)
"""Folders whose files take longest: many inputs, or many servers and deadlines to wait for."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, so that short ones fill the gaps at the end."""
    items.sort(key=_length)


def _length(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The data sets outside the repository: `retrieval/` and `hostile/`."""
    folder = os.environ.get("DOCCHAT_TEST_DATA")
    if not folder:
        pytest.skip("SKIPPED: set DOCCHAT_TEST_DATA to the folder that holds retrieval/, hostile/")
    return Path(folder)
