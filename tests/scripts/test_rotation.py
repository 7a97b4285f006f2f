import pytest

from scripts import rotation
from scripts.load_test import OK


def test_no_question_fails_while_keys_change_or_secret_manager_is_down(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert rotation.main(["--seconds", "3", "--ttl", "0.3", "--clients", "4"]) == OK
    assert capsys.readouterr().out.count("failed") == 2
