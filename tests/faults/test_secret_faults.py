from tests.faults import rotation_rows, secret_rows
from tests.faults.bench import Bench
from tests.faults.rows import Record, Row, assert_holds, each

ROWS = [*secret_rows.ROWS, *rotation_rows.ROWS]


@each(ROWS)
def test_a_fault_of_secret_manager_costs_a_known_key_nothing_and_leaves_no_trace(
    bench: Bench, row: Row, record_property: Record
) -> None:
    assert_holds(row, bench, record_property)


def test_every_fault_of_secret_manager_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"S{n}" for n in range(1, 11)}
