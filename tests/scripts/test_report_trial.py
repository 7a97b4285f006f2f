import os
from pathlib import Path

import pytest

from scripts.report_trial import main

DATA = Path(os.environ.get("DOCCHAT_TEST_DATA", "none")) / "retrieval"


@pytest.mark.skipif(not DATA.is_dir(), reason="SKIPPED: DOCCHAT_TEST_DATA names no public sets")
def test_planted_gaps_are_found_in_the_log_that_the_chat_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(DATA), "--sites", "karpenter", "--questions", "60", "--pages", "8"]
    assert main([*arguments, "--build", str(tmp_path)]) == 0
    assert "4/4" in capsys.readouterr().out
    assert "Hetzner" in (tmp_path / "karpenter/report.md").read_text()
