from tests.faults.bench import Bench
from tests.faults.process_rows import ROWS
from tests.faults.rows import Record, Row, assert_holds, each


@each(ROWS)
def test_what_happens_to_a_process_ends_well_and_leaves_no_trace(
    bench: Bench, row: Row, record_property: Record
) -> None:
    assert_holds(row, bench, record_property)


def test_every_fault_of_the_process_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"P{n}" for n in range(1, 7)}
