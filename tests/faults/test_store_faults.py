from collections.abc import Callable

import pytest

from tests.faults import store_conduct, store_rows
from tests.faults.bench import KEY, Bench
from tests.faults.rows import Row
from tests.faults.wire import CANARY

ROWS = [*store_rows.ROWS, *store_conduct.ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id} {row.what}")
def test_a_fault_of_qdrant_ends_in_time_once_and_leaves_no_trace(
    bench: Bench, row: Row, record_property: Callable[[str, object], None]
) -> None:
    record_property("row", [row.id, row.what, row.expected])  # for the table that is printed
    row.check(bench)
    logs = bench.logs()
    assert CANARY not in logs
    assert KEY not in logs


def test_every_fault_of_qdrant_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"Q{n}" for n in range(1, 16)}
