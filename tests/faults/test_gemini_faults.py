from tests.faults import gemini_conduct, gemini_endings, gemini_rows
from tests.faults.bench import Bench
from tests.faults.rows import Record, Row, assert_holds, each

ROWS = [*gemini_rows.ROWS, *gemini_endings.ROWS, *gemini_conduct.ROWS]


@each(ROWS)
def test_a_fault_of_gemini_ends_in_time_once_and_leaves_no_trace(
    bench: Bench, row: Row, record_property: Record
) -> None:
    assert_holds(row, bench, record_property, gemini_conduct.NEW_KEY)


def test_every_fault_of_gemini_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"G{n}" for n in range(1, 37)}
