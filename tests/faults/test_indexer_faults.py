from collections.abc import Callable

import pytest

from tests.faults.indexer_rows import ROWS, Row
from tests.faults.workshop import workshop


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id} {row.what}")
def test_a_fault_of_an_index_run_loses_mixes_and_repeats_nothing(
    row: Row, record_property: Callable[[str, object], None]
) -> None:
    record_property("row", [row.id, row.what, row.expected])  # for the table that is printed
    with workshop() as shop:
        row.check(shop)


def test_every_fault_of_the_indexer_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"I{n}" for n in range(1, 18)}
