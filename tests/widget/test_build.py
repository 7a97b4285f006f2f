"""`widget/dist` is what its sources say, and small."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.widget import npm
from tests.widget.npm import WIDGET

MOST_BYTES = 35 * 1024
LANGUAGES = {"de", "en", "es", "fr", "ja"}


@pytest.fixture(scope="module")
def built(tools: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A fresh build, and what it said of itself."""
    folder = tmp_path_factory.mktemp("dist")
    return folder, json.loads(npm.run("node", "build.mjs", str(folder)))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_committed_files_are_what_the_sources_make(built: tuple[Path, dict[str, Any]]) -> None:
    assert files(WIDGET / "dist") == files(built[0]), "run `make widget` and commit widget/dist"


def test_the_file_is_small_and_most_of_it_is_libraries(built: tuple[Path, dict[str, Any]]) -> None:
    said = built[1]
    assert said["limits"] == {"whole": MOST_BYTES, "own": 9 * 1024}
    assert said["bytes"]["own"] <= said["limits"]["own"]
    assert len(gzip.compress((WIDGET / "dist/docs-chat.js").read_bytes(), 9)) <= MOST_BYTES


def test_the_build_prints_the_integrity_hash_of_the_file(
    built: tuple[Path, dict[str, Any]],
) -> None:
    digest = hashlib.sha384((WIDGET / "dist/docs-chat.js").read_bytes()).digest()
    assert built[1]["integrity"] == f"sha384-{base64.b64encode(digest).decode()}"


def test_the_sources_types_are_right(tools: None) -> None:
    npm.run("npm", "run", "check")


def test_every_language_has_every_sentence() -> None:
    folder = WIDGET / "src/strings"
    sentences = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert set(sentences) == LANGUAGES
    english = sentences["en"]
    for language, own in sentences.items():
        assert own.keys() == english.keys(), language
        assert all(own.values()), language
        for name, sentence in own.items():
            marks = re.findall(r"\{\w+\}", sentence)
            assert marks == re.findall(r"\{\w+\}", english[name]), (language, name)


def test_the_lock_names_no_host_and_pins_everything() -> None:
    text = (WIDGET / "package-lock.json").read_text()
    assert "://" not in text
    assert all("integrity" in entry for path, entry in json.loads(text)["packages"].items() if path)
    wanted = json.loads((WIDGET / "package.json").read_text())["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
