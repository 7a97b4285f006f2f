from collections.abc import Callable

import pytest

from tests.faults import gemini_conduct, gemini_endings, gemini_rows
from tests.faults.bench import CALLER_KEY, KEY, Bench
from tests.faults.rows import Row
from tests.faults.wire import CANARY

ROWS = [*gemini_rows.ROWS, *gemini_endings.ROWS, *gemini_conduct.ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id} {row.what}")
def test_a_fault_of_gemini_ends_in_time_once_and_leaves_no_trace(
    bench: Bench, row: Row, record_property: Callable[[str, object], None]
) -> None:
    record_property("row", [row.id, row.what, row.expected])  # for the table that is printed
    row.check(bench)
    logs = bench.logs()
    for hidden in (CANARY, KEY, CALLER_KEY, gemini_conduct.NEW_KEY):
        assert hidden not in logs


def test_every_fault_of_gemini_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"G{n}" for n in range(1, 37)}
