import json
from pathlib import Path

import pytest

from scripts.evaluate import MISUSED, OK, main


def test_the_redux_faq_finds_the_pages_that_its_maintainers_name(
    test_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(test_data / "retrieval"), "--site", "redux", "--json"]
    assert main(arguments) == OK
    figures = json.loads(capsys.readouterr().out)
    assert figures["answerable"] == 26
    assert figures["hit@10"] >= 16


def test_an_unknown_site_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("docs_corpus.jsonl", "docs_queries.jsonl"):
        (tmp_path / name).write_text("")
    assert main(["--data", str(tmp_path), "--site", "nope"]) == MISUSED
    assert "has no site nope" in capsys.readouterr().out


def test_the_table_is_for_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = {"id": "s:a.md", "site": "s", "text": "# Alarms\n\nAn alarm rings when a server dies."}
    query = {
        "site": "s",
        "question": "When does an alarm ring?",
        "answerable": True,
        "relevant_pages": ["s:a.md"],
    }
    (tmp_path / "docs_corpus.jsonl").write_text(json.dumps(page))
    (tmp_path / "docs_queries.jsonl").write_text(json.dumps(query))
    assert main(["--data", str(tmp_path), "--site", "s"]) == OK
    printed = capsys.readouterr().out
    assert "When does an alarm ring?" in printed
    assert "MRR@10" in printed
