import importlib
import re
from pathlib import Path

import pytest

from scripts.faults import BEGIN, END, GROUPS, PAGE, ROOT, Result, markdown, tally, write_into

ROWS = [
    Result("C1", "bad JSON", "400 malformed-json", holds=True),
    Result("G2", "400 | 401", "503", holds=True),
    Result("G2", "its `second` <form>", "503", holds=False),
    Result("G10", "503", "503 upstream-busy", holds=True),
]


def test_the_tally_is_n_of_n_for_each_group_and_for_all() -> None:
    assert tally(ROWS) == [
        "C (clients): 1/1 rows of 1 faults hold",
        "G (Gemini): 2/3 rows of 2 faults hold",
        "all: 3/4 rows of 3 faults hold",
    ]


def test_a_fault_is_one_line_that_no_text_can_break() -> None:
    assert markdown(ROWS).splitlines()[2:] == [
        "| C1 | bad JSON | 400 malformed-json | 1/1 |",
        r"| G2 | 400 \| 401; its \`second\` \<form\> | 503 | 1/2 |",
        "| G10 | 503 | 503 upstream-busy | 1/1 |",
    ]


def test_of_many_rows_the_first_are_named_and_the_others_counted() -> None:
    many = [Result("G1", f"form {n}", "503", holds=True) for n in range(6)]
    assert "| form 0; form 1; form 2; form 3; 2 more |" in markdown(many)


def test_the_order_is_that_of_the_numbers() -> None:
    assert sorted([ROWS[3], ROWS[2]], key=lambda row: row.order) == ROWS[2:]


def test_only_what_is_between_the_marks_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    for _ in range(2):
        write_into(page, ROWS)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\n- C (clients): 1/1")
    assert text.endswith(f"| 1/1 |\n\n{END}\nafter\n")
    assert "stale" not in text
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no"):
        write_into(page, ROWS)


def test_the_page_has_every_fault_that_a_table_of_rows_has_and_each_of_them_holds() -> None:
    modules = [
        importlib.import_module(f"tests.faults.{path.stem}")
        for path in (ROOT / "tests/faults").glob("test_*_faults.py")
    ]
    faults = {row.id for module in modules for row in module.ROWS}
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    found = re.findall(r"^\| ([A-Z]\d+) \|.*\| (\d+)/(\d+) \|$", table, flags=re.MULTILINE)
    assert {fault for fault, _, _ in found} == faults
    assert {fault[0] for fault in faults} <= GROUPS.keys()
    assert all(held == rows for _, held, rows in found)
