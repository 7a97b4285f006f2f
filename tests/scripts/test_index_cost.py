import re
from pathlib import Path

import pytest

from scripts.index_cost import main


def test_only_what_is_new_is_embedded_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    for name in ("alarms", "bakery"):
        text = f"# The {name}\n\nHow the {name} work.\n\n## More\n\nAnd why the {name} do so.\n"
        (site / f"{name}.md").write_text(text)
    assert main(["--docs", str(site)]) == 0
    lines = [re.split(r"\s*│\s*", line) for line in capsys.readouterr().out.splitlines()]
    rows = {row[1].partition(": ")[2]: row[2:] for row in lines if ": " in "".join(row[1:2])}
    embedded = {what: int(row[1]) for what, row in rows.items()}
    assert embedded["whole"] > 1
    assert (embedded["unchanged"], embedded["a page renamed"]) == (0, 0)
    assert embedded["a sentence more"] == 1
    assert float(rows["whole"][-2]) > 0
    assert (site / "alarms.md").read_text().endswith("do so.\n"), "the site is left alone"
