import json
from pathlib import Path
from typing import Any

import pytest

from emulators.gemini import create_app
from emulators.gemini.script import generation
from emulators.server import serve_in_thread
from scripts.evaluate import MISUSED, OK, main
from scripts.evaluation.sets import section_set
from tests.servers import ROOT


def figures(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "evaluate.json").read_text())
    return report


def mean(report: dict[str, Any], collection: str, measure: str) -> float:
    value: float = report["sets"][collection]["figures"]["docchat"][measure][0]
    return value


def test_questions_about_docchats_own_docs_find_their_pages(tmp_path: Path) -> None:
    arguments = ["--docs", str(ROOT / "docs"), "--build", str(tmp_path)]
    assert main(arguments) == OK
    report = figures(tmp_path)
    assert report["sets"]["docs"]["figures"]["docchat"]["MRR@10"][3] >= 60, "questions"
    floors = {"MRR@10": 0.70, "hit@5": 0.88, "recall@5": 0.85, "page@8k": 0.92, "sec@8k": 0.72}
    for measure, floor in floors.items():
        assert mean(report, "docs", measure) >= floor, measure
    answers = report["answers"]["docs"]["figures"]
    floors = {
        "cites a relevant page": 0.6,
        "citation precision": 0.24,
        "citation recall": 0.37,
        "words in its sources": 0.98,
        "rightly declined": 0.65,
    }
    for measure, floor in floors.items():
        assert answers[measure][0] >= floor, measure
    assert answers["wrongly declined"][0] <= 0.20


def test_the_redux_faq_finds_the_pages_that_its_maintainers_name(
    test_data: Path, tmp_path: Path
) -> None:
    data = str(test_data / "retrieval")
    assert main(["--data", data, "--sets", "redux", "--build", str(tmp_path)]) == OK
    report = figures(tmp_path)
    assert report["sets"]["redux"]["figures"]["docchat"]["MRR@10"][3] == 26, "questions"
    assert mean(report, "redux", "hit@10") >= 0.6


def site(folder: Path, *questions: dict[str, Any]) -> list[str]:
    """A site of two pages, and questions about it; the arguments that name them."""
    docs, file = folder / "pages", folder / "questions.jsonl"
    docs.mkdir()
    (docs / "alarms.md").write_text("# Alarms\n\n## When\n\nAn alarm rings when a server dies.\n")
    (docs / "bakery.md").write_text("# Bakery\n\nBread is made of flour and water.\n")
    file.write_text("\n".join(map(json.dumps, questions)))
    return ["--docs", str(docs), "--questions", str(file), "--build", str(folder / "build")]


RINGS = {"question": "When does an alarm ring?", "relevant": ["alarms.md#when"]}
MOON = {"question": "Zygotic xylophones?", "answerable": False}


def test_tables_are_for_a_person_and_the_file_for_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(site(tmp_path, RINGS, MOON)) == OK
    printed = capsys.readouterr().out
    assert "pages, emulated-embedding-001: 1 questions" in printed
    assert "MRR@10 1.000 [1.000, 1.000]" in printed
    report = figures(tmp_path / "build")
    assert report["sets"]["pages"]["figures"]["docchat"]["sec@8k"] == [1.0, 1.0, 1.0, 1]
    answers = report["answers"]["pages"]
    assert answers["figures"]["cites a relevant page"][0] == 1.0
    assert answers["figures"]["rightly declined"][0] == 1.0
    assert [(row["outcome"], row["cited"]) for row in answers["questions"]] == [
        ("answered", ["alarms.md#when"]),
        ("not_found", ["alarms.md#when", "bakery.md"]),  # the closest pages
    ]


def test_two_systems_are_compared_question_by_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = ["--compare", "docchat", "keywords alone"]
    assert main([*site(tmp_path, RINGS), *compare]) == OK
    assert "gain of docchat over" in capsys.readouterr().out
    gain = figures(tmp_path / "build")["sets"]["pages"]["gain of docchat"]["keywords alone"]
    assert gain["MRR@10"] == [0.0, 0.0, 0.0, 1]


def test_two_runs_are_shown_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = site(tmp_path, RINGS, MOON)
    assert main(arguments) == OK
    monkeypatch.setenv("ABSTAIN_BELOW", "0.99")
    assert main([*arguments, "--build", str(tmp_path / "strict")]) == OK
    capsys.readouterr()
    runs = [str(tmp_path / name / "evaluate.json") for name in ("build", "strict")]
    assert main(["--diff", *runs]) == OK
    shown = capsys.readouterr().out
    assert "answered → not_found: When does an alarm ring?" in shown
    assert "wrongly declined" in shown
    assert "+1.000 [+1.000, +1.000]" in shown


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_what_is_no_run_cannot_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    file = tmp_path / "evaluate.json"
    file.write_text(content)
    assert main(["--diff", str(file), str(file)]) == MISUSED
    assert "evaluate.json" in capsys.readouterr().out


def test_a_judge_reads_the_answers_beside_their_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gemini = create_app()
    verdict = generation(say=["PARTLY"])
    gemini.state.faults.add("streamGenerateContent", verdict, after=1, times=1)
    with serve_in_thread(gemini) as url:
        monkeypatch.setenv("GEMINI_API_KEY", "key")
        monkeypatch.setenv("GEMINI_BASE_URL", url)
        assert main([*site(tmp_path, RINGS), "--judge"]) == OK
    answers = figures(tmp_path / "build")["answers"]["pages"]
    assert answers["figures"]["supported, by the judge"][0] == 0.5
    assert any("gemini-3.7-flash" in call.url for call in gemini.state.faults.requests)


def test_a_judge_needs_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*site(tmp_path, RINGS), "--judge"]) == MISUSED
    assert "needs GEMINI_API_KEY" in capsys.readouterr().out


def test_a_url_names_a_page_as_well_as_its_path_does(tmp_path: Path) -> None:
    by_url = RINGS | {"relevant": ["https://docs.example/alarms#when"]}
    assert main(site(tmp_path, by_url)) == OK
    assert mean(figures(tmp_path / "build"), "pages", "MRR@10") == 1.0


@pytest.mark.parametrize(
    "line",
    [
        {"relevant": ["alarms.md"]},
        {"question": "?", "relevant": ["nowhere.md"]},
        {"question": "?", "relevant": ["alarms.md#nowhere"]},
    ],
)
def test_a_line_that_is_no_question_about_the_pages_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: dict[str, Any]
) -> None:
    assert main(site(tmp_path, RINGS, line)) == MISUSED
    assert "questions.jsonl, line 2" in capsys.readouterr().out


def test_an_unknown_system_is_refused_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*site(tmp_path, RINGS), "--compare", "docchat", "nope"]) == MISUSED
    assert "there is no system nope" in capsys.readouterr().out


def test_data_without_the_site_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("docs_corpus.jsonl", "docs_queries.jsonl"):
        (tmp_path / name).write_text("")
    assert main(["--data", str(tmp_path), "--sets", "redux"]) == MISUSED
    assert main(["--data", str(tmp_path / "nowhere")]) == MISUSED
    assert "has no site redux" in capsys.readouterr().out


def test_the_designs_in_memory_search_as_the_engine_does(tmp_path: Path) -> None:
    arguments = ["--docs", str(ROOT / "docs"), "--build", str(tmp_path)]
    assert main([*arguments, "--compare", "docchat", "in memory"]) == OK
    gain = figures(tmp_path)["sets"]["docs"]["gain of docchat"]["in memory"]
    for measure in ("hit@5", "hit@10", "MRR@10", "page@8k"):
        assert abs(gain[measure][0]) < 0.02, measure  # passages of equal rank have no order


def test_sections_and_conversations_are_searched_too(tmp_path: Path) -> None:
    alarm = "An alarm rings when a server dies."
    write(tmp_path / "sections_corpus.jsonl", {"id": "u#alarm", "heading": "Alarm", "text": alarm})
    write(
        tmp_path / "sections_queries.jsonl",
        {"question": "When does it ring?", "relevant_sections": ["u#alarm"]},
    )
    write(
        tmp_path / "multiturn_corpus.jsonl",
        *({"id": id_, "collection": id_, "text": alarm} for id_ in ("clapnq", "fiqa")),
    )
    turn = {"question": "When does it ring?", "answerability": "ANSWERABLE", "history": []}
    write(
        tmp_path / "multiturn_queries.jsonl",
        *(turn | {"collection": id_, "relevant": [id_]} for id_ in ("clapnq", "fiqa")),
    )
    sets = ["--sets", "sections", "conversations", "--build", str(tmp_path)]
    assert main(["--data", str(tmp_path), *sets]) == OK
    assert set(figures(tmp_path)["sets"]) == {
        "sections",
        "clapnq",
        "fiqa",
        "both conversation sets",
    }


def write(file: Path, *rows: dict[str, Any]) -> None:
    file.write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize(
    "option", [["--quick-starts"], ["--embedder", "minilm"]], ids=lambda option: option[-1]
)
def test_what_has_to_be_installed_first_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert main([*site(tmp_path, RINGS), *option]) == MISUSED
    assert "`make evaluate` does it" in capsys.readouterr().out


def test_a_section_counts_as_a_page_whose_address_may_have_an_anchor(tmp_path: Path) -> None:
    section = {"id": "https://d.example/a#b", "heading": "B", "text": "Text."}
    question = {"question": "What?", "relevant_sections": [section["id"]]}
    (tmp_path / "sections_corpus.jsonl").write_text(json.dumps(section))
    (tmp_path / "sections_queries.jsonl").write_text(json.dumps(question))
    collection = section_set(tmp_path)
    (page,), (query,) = collection.pages, collection.queries
    assert page.url == section["id"]
    assert query.relevant == {page.path}
    assert "#" not in page.path
