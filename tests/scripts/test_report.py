import json
from pathlib import Path

import pytest

from docchat.core.chunking import chunk
from docchat.providers.docs_site import read_site
from scripts.report import EMPTY, FAILED, MISUSED, OK, main
from scripts.trials.agreement import Share, agreement
from tests.scripts.reporting.lines import Json, asked, entry, line, lines, request
from tests.servers import ROOT

SITE = ["--docs", str(ROOT / "tests/site"), "--site-url", "https://docs.example"]


def written(folder: Path, *objects: Json) -> str:
    file = folder / "log.jsonl"
    file.write_text("\n".join(lines(*objects)))
    return str(file)


@pytest.fixture
def log(tmp_path: Path) -> str:
    pages = read_site(ROOT / "tests/site", site_url="https://docs.example").pages
    cited = [chunk(page)[0].id for page in pages[:1]]
    return written(
        tmp_path,
        *(entry(one, 2) for one in asked("a", "How do I start?", "answered", cited_chunks=cited)),
        *(entry(one, 2) for one in asked("b", "invoice as PDF", cited_chunks=cited)),
        *(entry(one, 4) for one in asked("c", "Where is my invoice?", cited_chunks=["gone"])),
        entry(line("feedback", "a", thumb="down", reason="outdated"), 3),
    )


def test_it_is_printed_as_markdown(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([log, "--title", "Example"]) == OK
    printed = capsys.readouterr().out
    assert printed.startswith("# What visitors asked: Example\n")
    assert "**invoice as PDF** (2 asked)" in printed


def test_with_the_docs_chunks_become_pages_with_links(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([log, *SITE, "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    (page,) = found["disliked"]
    assert page["place"]["url"].startswith("https://docs.example/")
    assert (page["cited"], page["down"], page["reasons"]) == (1, 1, ["outdated"])
    assert found["outcomes"] == {"answered": 1, "not_found": 2}
    assert [period["outcomes"] for period in found["periods"]] == [
        {"answered": 1, "not_found": 1},
        {},
        {"not_found": 1},
    ]
    assert any("1 of 3 citations" in note for note in found["notes"])


def test_without_the_docs_it_shows_ids_and_says_so(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([log, "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found["disliked"][0]["place"]["url"] == ""
    assert any("--docs" in note for note in found["notes"])


def test_files_are_written_by_their_endings(log: str, tmp_path: Path) -> None:
    page, text = tmp_path / "report.html", tmp_path / "report.md"
    assert main([log, "--output", str(page), "-o", str(text)]) == OK
    assert page.read_text().startswith("<!doctype html>")
    assert text.read_text().startswith("# What visitors asked")


def test_it_goes_by_the_sites_embedder_where_it_is_told_to(
    log: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([log, "--group-by", "meaning"]) == MISUSED
    assert "GEMINI_API_KEY is not set" in capsys.readouterr().err
    monkeypatch.setenv("GEMINI_API_KEY", "test-key")
    monkeypatch.setenv("GEMINI_BASE_URL", "http://127.0.0.1:9")
    assert main([log]) == FAILED


def test_several_files_are_one_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    array = tmp_path / "array.json"
    array.write_text(json.dumps([entry(request("x"))]))
    assert main([written(tmp_path, request("y")), str(array), "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["questions"] == 2


def test_a_log_without_a_question_is_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([written(tmp_path, line("request", "h", route="/health"))]) == EMPTY
    assert "no question" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["none.jsonl"], FAILED),
        (["{log}", "--docs", "none", "--site-url", "https://x.example"], MISUSED),
    ],
)
def test_what_cannot_be_read_is_named(log: str, arguments: list[str], code: int) -> None:
    assert main([argument.format(log=log) for argument in arguments]) == code


@pytest.mark.parametrize("wrong", [["--output", "report.pdf"], ["--group-by", "mood"]])
def test_wrong_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["log.jsonl", *wrong])
    assert refused.value.code == MISUSED


def test_agreement_counts_pairs_and_planted_labels() -> None:
    found = agreement([["a", "a", "b"], ["c", "c"]], ["a", "a", "a", "b", "c", "c"], {"a", "b"})
    assert found.found == Share(1, 2)
    assert found.precision == Share(2, 4)
    assert found.recall == Share(2, 4)
