from typing import cast

import pytest

from emulators.wire import WireFault
from scripts.index_trials import OK, main
from scripts.trials.gates import Gates
from scripts.trials.runs import Run


@pytest.mark.parametrize("store", ["qdrant", "edge"])
def test_runs_that_are_killed_or_doubled_lose_mix_and_repeat_nothing(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", store, "--no-calls", "--moments", "2", "--pairs", "1"]) == OK
    printed = capsys.readouterr().out
    assert "killed at random moments: 2 of 2 hold" in printed
    assert "two runs at once: 1 of 1 hold" in printed
    assert ", 0 otherwise" in printed


def test_a_call_that_is_to_be_executed_gets_time_for_it_however_late_it_comes() -> None:
    class Idle:
        ended = False
        waited_s = 0.0

        def wait(self, seconds: float) -> None:
            self.waited_s += seconds

    gates, run = Gates(), Idle()
    gates.stop_at(1, executed=True)
    assert gates.passing() == WireFault("stall")
    gates.wait(cast("Run", run))
    assert run.waited_s > 0


def test_processes_that_are_killed_while_they_publish_or_fetch_an_artifact_break_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trials = ["--no-calls", "--moments", "2", "--pairs", "1", "--fetches", "2"]
    assert main(["--store", "artifact", *trials]) == OK
    printed = capsys.readouterr().out
    assert "killed at random moments: 2 of 2 hold" in printed
    assert "killed while fetching: 2 of 2 hold" in printed
    assert ", 0 otherwise" in printed
