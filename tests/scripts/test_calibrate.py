import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.calibrate import main
from scripts.evaluate import MISUSED, OK
from tests.servers import ROOT

DOCS = ["--docs", str(ROOT / "docs"), "--json"]


def questions(folder: Path, *rows: Mapping[str, object]) -> list[str]:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    return ["--questions", str(file)]


def test_the_threshold_costs_no_more_good_questions_than_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {}
    for lost in ("0", "0.2"):
        assert main([*DOCS, "--lost", lost]) == OK
        found[lost] = json.loads(capsys.readouterr().out)
        assert found[lost]["wrongly"][0] <= float(lost)
        assert found[lost]["auroc"] > 0.8
    assert found["0"]["rightly"][0] < found["0.2"]["rightly"][0]
    assert 0 < found["0"]["threshold"] < found["0.2"]["threshold"] < 1


def test_questions_about_other_things_need_not_be_brought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rings = {"question": "How big is a chunk?", "relevant": ["chunks-and-ids.md"]}
    assert main([*DOCS, *questions(tmp_path, rings)]) == OK
    assert json.loads(capsys.readouterr().out)["rightly"][3] >= 10


def test_the_setting_is_printed_for_a_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rings = {"question": "How big is a chunk?", "relevant": ["chunks-and-ids.md"]}
    assert main([*DOCS[:2], *questions(tmp_path, rings)]) == OK
    assert "ABSTAIN_BELOW=0." in capsys.readouterr().out


def test_without_an_answerable_question_nothing_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*DOCS, *questions(tmp_path, {"question": "?", "answerable": False})]) == MISUSED
    assert "no question that the docs answer" in capsys.readouterr().err
