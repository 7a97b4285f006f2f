import json
import shutil
from pathlib import Path

import pytest

from scripts.index_docs import FAILED, MISUSED, OK, main
from tests.servers import ROOT

URL = ["--site-url", "https://docs.example.com"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests/site", tmp_path / "site"))


def run(site: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["--docs", str(site), "--json", *URL]) == OK
    report: dict[str, object] = json.loads(capsys.readouterr().out)
    return report


def test_a_second_run_embeds_only_what_changed_and_drops_what_is_gone(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(site, capsys)
    assert first["pages"] == 3
    assert first["embedded"] == first["chunks"]

    again = run(site, capsys)
    assert (again["embedded"], again["published"]) == (0, False)

    page = site / "guides/rotate-keys.md"
    page.write_text(page.read_text().replace("once a year", "twice a year"))
    changed = run(site, capsys)
    assert (changed["embedded"], changed["removed"]) == (1, 1)

    page.unlink()
    smaller = run(site, capsys)
    assert smaller["embedded"] == 0
    assert smaller["removed"] == 3
    assert smaller["pages"] == 2


def test_the_report_names_every_skipped_file(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "[slug].md").write_bytes(b"\x00\x01")
    assert main(["--docs", str(site), *URL]) == OK
    printed = capsys.readouterr().out
    assert "skipped [slug].md" in printed
    assert "emulator" in printed
    assert "Published" in printed


def test_the_folder_of_a_built_site_is_indexed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("selectolax", reason="SKIPPED: pip install selectolax")
    (tmp_path / "index.html").write_text("<main><h1>Title</h1><p>text</p></main>")
    assert main(["--html", str(tmp_path), "--json", *URL]) == OK
    report = json.loads(capsys.readouterr().out)
    assert (report["pages"], report["chunks"], report["skipped"]) == (1, 1, [])


def test_secrets_and_hidden_text_are_in_the_report(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "leak.md").write_text("text <!-- hidden --> AKIA" + "ABCDEFGH23456789")
    report = run(site, capsys)
    assert report["secrets"] == [
        {"path": "leak.md", "reason": "line 1 looks like this: AWS access key"}
    ]
    assert report["hidden_characters"] == len("<!-- hidden -->")


@pytest.mark.parametrize(
    ("arguments", "variables", "hint"),
    [
        (["--docs", "nowhere", *URL], {}, "--docs"),
        (["--docs", "."], {"QDRANT_HOST": "http://127.0.0.1:1"}, "--site-url"),
        (["--docs", ".", "--site-url", "docs.example.com"], {}, "SITE_URL"),
        (["--docs", ".", *URL], {"EMBEDDING_DIMENSION": "many"}, "EMBEDDING_DIMENSION"),
    ],
)
def test_wrong_arguments_and_settings_say_what_to_change(
    arguments: list[str],
    variables: dict[str, str],
    hint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == MISUSED
    assert hint in capsys.readouterr().out


def test_a_blank_folder_is_not_the_working_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--docs", "", *URL])
    assert refused.value.code == MISUSED
    assert "empty" in capsys.readouterr().err


def test_an_empty_folder_fails_and_leaves_the_index(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(site, capsys)
    (tmp_path / "empty").mkdir()
    assert main(["--docs", str(tmp_path / "empty"), *URL]) == FAILED
    assert "left as it is" in capsys.readouterr().out
    assert run(site, capsys)["published"] is False


def test_an_unreachable_store_fails_with_its_cause(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_HOST", "http://127.0.0.1:1")
    assert main(["--docs", str(site), *URL]) == FAILED
    assert "Qdrant cannot be reached" in capsys.readouterr().out
