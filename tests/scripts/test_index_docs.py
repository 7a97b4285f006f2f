import fcntl
import json
import shutil
from pathlib import Path
from typing import cast

import pytest

from scripts.index_docs import FAILED, LOCKED, MISUSED, OK, REFUSED, main
from scripts.site_commit import commit_of
from tests.servers import ROOT

URL = ["--site-url", "https://docs.example.com"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests/site", tmp_path / "site"))


def run(site: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["--docs", str(site), "--json", *URL, *more]) == OK
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
    smaller = run(site, capsys, "--allow-shrink")
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


@pytest.mark.parametrize("place", ["gs://a-bucket", "https://qdrant.example.com:6333"])
def test_the_emulators_vectors_do_not_leave_this_machine(
    site: Path,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("QDRANT_HOST", place)
    assert main(["--docs", str(site), *URL]) == MISUSED
    told = capsys.readouterr().out
    assert place in told.replace("\n", "")
    assert "GEMINI_API_KEY" in told


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
    assert main(["--docs", str(tmp_path / "empty"), *URL]) == REFUSED
    assert "left as it is" in capsys.readouterr().out
    assert run(site, capsys)["published"] is False


def test_an_unreachable_store_fails_with_its_cause(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("INDEX_PATIENCE_S", "0")
    assert main(["--docs", str(site), *URL]) == FAILED
    assert "Qdrant cannot be reached" in capsys.readouterr().out


def test_a_dry_run_says_what_it_would_cost_and_does_nothing(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(site, capsys, "--dry-run")
    assert (told["dry_run"], told["published"], told["embedded"]) == (True, False, told["chunks"])
    assert told["cost_usd"] == pytest.approx(cast("int", told["tokens"]) * 0.15 / 1_000_000)
    assert main(["--docs", str(site), *URL, "--dry-run"]) == OK
    assert "Would publish" in capsys.readouterr().out
    assert run(site, capsys)["embedded"] == told["chunks"]
    assert main(["--docs", str(site), *URL, "--dry-run"]) == OK
    assert "Nothing would change: " in capsys.readouterr().out
    assert run(site, capsys, "--dry-run")["changed"] is False


def test_a_renamed_page_is_not_paid_for_again(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(site, capsys)
    (site / "guides/rotate-keys.md").rename(site / "guides/keys.md")
    report = run(site, capsys)
    assert (report["embedded"], report["published"]) == (0, True)


def test_a_rollback_publishes_the_version_before(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(site, capsys)
    assert main(["--rollback"]) == REFUSED
    (site / "new.md").write_text("# New\n\nText.")
    run(site, capsys)
    capsys.readouterr()
    assert main(["--rollback"]) == OK
    assert f"Published again: {first['chunks']} chunks" in capsys.readouterr().out
    (site / "new.md").unlink()
    assert run(site, capsys)["published"] is False


def test_a_rollback_as_json_is_how_the_version_was_made(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(site, capsys, "--commit", "abc123")
    (site / "new.md").write_text("# New\n\nText.")
    run(site, capsys)
    assert main(["--rollback", "--json"]) == OK
    told = json.loads(capsys.readouterr().out)
    assert (told["rolled_back"], told["commit"], told["chunks"]) == (
        True,
        "abc123",
        first["chunks"],
    )


def test_a_rollback_to_another_model_is_refused_with_the_fix(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, capsys)
    monkeypatch.setenv("EMBEDDING_DIMENSION", "256")
    run(site, capsys, "--other-model")
    assert main(["--rollback"]) == REFUSED
    assert "EMBEDDING_DIMENSION=768" in capsys.readouterr().out
    monkeypatch.delenv("EMBEDDING_DIMENSION")
    assert main(["--rollback"]) == OK


def test_a_run_beside_another_has_an_exit_code_of_its_own(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(site, capsys)
    with (tmp_path / ".local/index/docs/lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["--docs", str(site), *URL]) == LOCKED
    assert "another run holds" in capsys.readouterr().out


def test_strict_publishes_nothing_while_a_file_cannot_be_read(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "draft.md").write_text("---\ndraft: true\n---\nText.")
    run(site, capsys, "--strict")
    (site / "bad.md").write_bytes(b"\x00\x01")
    assert main(["--docs", str(site), *URL, "--strict"]) == REFUSED
    printed = capsys.readouterr().out
    assert "bad.md: not a text file" in printed
    assert "draft.md" not in printed


def test_pages_with_secrets_can_be_left_out(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "leak.md").write_text("text AKIA" + "ABCDEFGH23456789")
    assert run(site, capsys, "--block-secrets")["pages"] == 3
    assert run(site, capsys)["pages"] == 4


def test_another_model_is_not_paid_for_by_mistake(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(site, capsys)
    monkeypatch.setenv("EMBEDDING_DIMENSION", "256")
    assert main(["--docs", str(site), *URL]) == REFUSED
    assert "EMBEDDING_DIMENSION=768" in capsys.readouterr().out
    assert run(site, capsys, "--other-model")["embedded"] == first["chunks"]


def test_the_commit_of_the_site_is_kept_with_the_index(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(site, capsys, "--commit", "abc123")
    written = json.loads((tmp_path / ".local/index/docs/manifest.json").read_bytes())
    assert written["manifest"]["commit"] == "abc123"
    assert run(site, capsys, "--commit", "def456")["published"] is False
    noted = json.loads((tmp_path / ".local/index/docs/manifest.json").read_bytes())
    assert noted["manifest"] == {**written["manifest"], "commit": "def456"}
    assert len(commit_of(ROOT)) in {0, 40}
    assert commit_of(tmp_path) == ""
