"""The documentation is true of the code, as far as a test can see."""

import re
from pathlib import Path

import pytest

from docchat import errors
from docchat.core.slugs import slugify
from docchat.errors import DocchatError, IndexingError
from docchat.settings import Settings

ROOT = Path(__file__).parent.parent
VARIABLES = {name.upper() for name in Settings.model_fields}


def headings(page: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text()
    outside_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+?)(?: \{#[\w-]+\})?$", outside_code, flags=re.MULTILINE)


def test_the_env_example_has_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {m[1] for line in lines if (m := re.match(r"(?:# )?([A-Z][A-Z_]+)=", line))}
    assert named == VARIABLES


def test_the_configuration_page_has_a_heading_for_every_setting_and_no_other() -> None:
    named = {
        name
        for heading in headings("configuration.md")
        for name in re.findall(r"`([A-Z_]+)`", heading)
    }
    assert named == VARIABLES


def test_the_env_example_shows_the_true_defaults() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^# ([A-Z][A-Z_]+)=(\S.*)$", text, flags=re.MULTILINE))
    for name, field in Settings.model_fields.items():
        if field.default and name.upper() in shown:
            assert str(field.default) == shown[name.upper()], name


def problem_types() -> list[type[DocchatError]]:
    known = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, DocchatError)
    ]
    return [c for c in known if not issubclass(c, IndexingError)]


@pytest.mark.parametrize("error", problem_types(), ids=lambda error: error.__name__)
def test_every_problem_type_has_its_heading_on_the_errors_page(error: type[DocchatError]) -> None:
    assert error.slug in {slugify(heading.strip("`")) for heading in headings("errors.md")}


def test_the_api_has_the_version_of_the_project() -> None:
    told = [
        re.search(pattern, (ROOT / file).read_text(), re.MULTILINE)
        for file, pattern in (
            ("pyproject.toml", r'^version = "(.+)"$'),
            ("docs/openapi.yaml", r"^  version: (.+)$"),
        )
    ]
    assert told[0]
    assert told[1]
    assert told[0][1] == told[1][1]


def test_every_make_target_that_the_docs_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for page in pages:
        named = re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), flags=re.MULTILINE)
        assert set(named) <= targets, page


ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


def test_the_map_names_only_what_is_there_and_every_module_of_the_package() -> None:
    block = ARCHITECTURE.split("```text\n", 1)[1].split("```", 1)[0]
    named = [line.split()[0] for line in block.splitlines()]
    assert [path for path in named if not (ROOT / path).exists()] == []
    there = {
        f"docchat/{path.name}{'/' if path.is_dir() else ''}"
        for path in (ROOT / "docchat").iterdir()
        if not path.name.startswith("__")
    }
    assert there - set(named) == {"docchat/setting_types.py"}  # a part of the settings


def test_every_place_of_the_walk_is_where_it_says() -> None:
    walk = ARCHITECTURE.split("{#walk}\n", 1)[1].split("\n## ", 1)[0]
    steps = re.findall(r"`([\w/]+\.(?:py|js))`\s+\(((?:`\w+`(?:, )?)+)\)", walk)
    assert len(steps) >= 25
    assert {path for path, _ in steps} == set(re.findall(r"`([\w/]+\.(?:py|js))`", walk))
    for path, names in steps:
        code = (ROOT / path).read_text()
        for name in re.findall(r"\w+", names):
            assert re.search(rf"(def|class|function\*?|async \*) ?{name}\b", code), (path, name)


def test_every_relative_link_of_the_docs_leads_somewhere() -> None:
    for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!\w+:|#|/)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
