from tests.faults.bench import Bench
from tests.faults.client_conduct import CONDUCT
from tests.faults.client_requests import REQUESTS
from tests.faults.rows import Record, Row, assert_holds, each

ROWS = [*REQUESTS, *CONDUCT]


@each(ROWS)
def test_a_fault_of_the_client_has_its_own_answer_and_leaves_no_trace_of_what_was_said(
    bench: Bench, row: Row, record_property: Record
) -> None:
    assert_holds(row, bench, record_property)


def test_every_fault_of_the_table_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"C{n}" for n in range(1, 32)}
