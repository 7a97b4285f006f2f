import pytest

from scripts.index_trials import OK, main


@pytest.mark.parametrize("store", ["qdrant", "edge"])
def test_runs_that_are_killed_or_doubled_lose_mix_and_repeat_nothing(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", store, "--no-calls", "--moments", "2", "--pairs", "1"]) == OK
    printed = capsys.readouterr().out
    assert "killed at random moments: 2 of 2 hold" in printed
    assert "two runs at once: 1 of 1 hold" in printed
    assert ", 0 otherwise" in printed


def test_processes_that_are_killed_while_they_publish_or_fetch_an_artifact_break_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trials = ["--no-calls", "--moments", "2", "--pairs", "1", "--fetches", "2"]
    assert main(["--store", "artifact", *trials]) == OK
    printed = capsys.readouterr().out
    assert "killed at random moments: 2 of 2 hold" in printed
    assert "killed while fetching: 2 of 2 hold" in printed
    assert ", 0 otherwise" in printed
