from tests.faults import store_conduct, store_rows
from tests.faults.bench import Bench
from tests.faults.rows import Record, Row, assert_holds, each

ROWS = [*store_rows.ROWS, *store_conduct.ROWS]


@each(ROWS)
def test_a_fault_of_qdrant_ends_in_time_once_and_leaves_no_trace(
    bench: Bench, row: Row, record_property: Record
) -> None:
    assert_holds(row, bench, record_property)


def test_every_fault_of_qdrant_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"Q{n}" for n in range(1, 16)}
