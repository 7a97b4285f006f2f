from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.bench import Bench
from tests.functions.conftest import gemini_url, variables  # noqa: F401 - the site, indexed


@pytest.fixture(scope="session")
def bench(
    variables: dict[str, str],  # noqa: F811 - the fixture
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(variables, tmp_path_factory.mktemp("bench"), stack)
