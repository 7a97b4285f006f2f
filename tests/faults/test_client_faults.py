from collections.abc import Callable

import pytest

from tests.faults.bench import KEY, Bench
from tests.faults.client_conduct import CONDUCT
from tests.faults.client_requests import REQUESTS
from tests.faults.rows import Row
from tests.faults.wire import CANARY

ROWS = [*REQUESTS, *CONDUCT]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id} {row.what}")
def test_a_fault_of_the_client_has_its_own_answer_and_leaves_no_trace_of_what_was_said(
    bench: Bench, row: Row, record_property: Callable[[str, object], None]
) -> None:
    record_property("row", [row.id, row.what, row.expected])  # for the table that is printed
    row.check(bench)
    logs = bench.logs()
    assert CANARY not in logs
    assert KEY not in logs


def test_every_fault_of_the_table_has_a_row() -> None:
    assert {row.id for row in ROWS} == {f"C{n}" for n in range(1, 32)}
