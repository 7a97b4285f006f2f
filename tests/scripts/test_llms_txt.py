import re
import shutil
from pathlib import Path

import pytest

from docchat.core.models import Dialect, Page
from scripts.index_docs import FAILED, OK, REFUSED, main
from scripts.llms_txt import LlmsTxt
from tests.servers import ROOT

URL = ["--site-url", "https://docs.example.com"]
LINK = re.compile(r"- \[(?:\\.|[^\]])+\]\((https://[^)\s]+)\)(?:: .+)?")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests/site", tmp_path / "site"))


def test_the_indexer_writes_a_list_of_links_and_the_pages_texts(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "static"
    assert main(["--docs", str(site), *URL, "--llms-txt", str(out)]) == OK
    lines = [line for line in (out / "llms.txt").read_text().splitlines() if line]
    assert lines[0].startswith("# ")
    assert all(LINK.fullmatch(line) or line.startswith("## ") for line in lines[1:])
    links = [match[1] for line in lines if (match := LINK.fullmatch(line))]
    full = (out / "llms-full.txt").read_text()
    assert len(links) == 3
    assert re.findall(r"^Source: (\S+)$", full, flags=re.MULTILINE) == links
    assert "Lighthouse runs on Linux" in full
    assert "<Tabs" not in full
    assert "import " not in full


def test_it_is_written_anew_when_nothing_else_changed(site: Path, tmp_path: Path) -> None:
    arguments = ["--docs", str(site), *URL, "--llms-txt", str(tmp_path)]
    assert main(arguments) == OK
    (tmp_path / "llms.txt").write_text("old")
    assert main(arguments) == OK
    assert "old" not in (tmp_path / "llms.txt").read_text()
    assert not list(tmp_path.glob(".llms*"))


def test_a_dry_run_and_a_run_that_fails_write_nothing(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "static"
    arguments = ["--docs", str(site), *URL, "--llms-txt", str(out)]
    assert main([*arguments, "--dry-run"]) == OK
    shutil.rmtree(site)
    site.mkdir()
    assert main(arguments) == REFUSED
    assert not out.exists()


def test_a_folder_that_cannot_be_written_is_named(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--docs", str(site), *URL, "--llms-txt", str(tmp_path / "file/x")]) == FAILED
    assert "llms.txt cannot be written" in capsys.readouterr().out


def test_a_page_that_is_kept_out_of_the_index_is_in_neither_file(
    site: Path, tmp_path: Path
) -> None:
    (site / "leak.md").write_text(f"# Leak\n\nThe key is AIza{'x' * 35}.\n")
    arguments = ["--docs", str(site), *URL, "--llms-txt", str(tmp_path), "--block-secrets"]
    assert main(arguments) == OK
    for name in ("llms.txt", "llms-full.txt"):
        assert "leak" not in (tmp_path / name).read_text().lower()


def written(folder: Path, *pages: Page) -> tuple[str, str]:
    listed = LlmsTxt()
    for page in pages:
        listed.add(page)
    listed.write(folder, "Example")
    return (folder / "llms.txt").read_text(), (folder / "llms-full.txt").read_text()


def test_versions_and_languages_have_lists_of_their_own(tmp_path: Path) -> None:
    links, _ = written(
        tmp_path,
        Page("guides/a.md", "https://x.example/a", "A", "text", description="What A is."),
        Page("guides/b.md", "https://x.example/1.0/b", "B", "text", version="1.0", locale="fr"),
    )
    assert links == (
        "# Example\n\n## guides\n\n- [A](https://x.example/a): What A is.\n\n"
        "## guides (1.0, fr)\n\n- [B](https://x.example/1.0/b)\n"
    )


def test_headings_lie_under_their_page(tmp_path: Path) -> None:
    body = "# Set up\n\nFirst.\n\n## On Linux\n\nSecond.\n\n### By hand\n\nThird.\n"
    page = Page("a.md", "https://x.example/a", "Set up", body, dialect=Dialect.DOCUSAURUS)
    _, full = written(tmp_path, page)
    headings = re.findall(r"^#+ .*$", full, flags=re.MULTILINE)
    assert headings == ["# Example", "## Set up", "### On Linux", "#### By hand"]


def test_a_title_cannot_break_its_link(tmp_path: Path) -> None:
    links, _ = written(tmp_path, Page("a.md", "https://x.example/a", "Use [x]\n- b", "text"))
    assert r"- [Use \[x\] - b](https://x.example/a)" in links.splitlines()
