"""The npm package's Docusaurus plugin, as Docusaurus calls it."""

import base64
import hashlib
import json
import re
import subprocess
from typing import Any

import pytest

from tests.widget import npm
from tests.widget.npm import WIDGET

ENDPOINT = "https://chat.example.com"
CALL = """
const plugin = require("./docusaurus/index.cjs");
const options = JSON.parse(process.argv[1]);
const valid = plugin.validateOptions({ options: { id: "default", ...options } });
console.log(JSON.stringify(plugin({ baseUrl: "/de/" }, valid).injectHtmlTags()));
"""


def call(options: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "-e", CALL, json.dumps(options)],  # noqa: S607 - node's place differs
        cwd=WIDGET,
        capture_output=True,
        text=True,
        check=False,
    )


def attributes(options: dict[str, Any]) -> dict[str, Any]:
    done = call(options)
    assert done.returncode == 0, done.stderr
    (tag,) = json.loads(done.stdout)["headTags"]
    assert tag["tagName"] == "script"
    found: dict[str, Any] = tag["attributes"]
    return found


def test_every_page_gets_the_script_with_its_hash(tools: None) -> None:
    found = attributes({"endpoint": ENDPOINT})
    assert re.fullmatch(r"/de/docs-chat/[0-9a-f]{12}/docs-chat\.js", found["src"])
    digest = hashlib.sha384((WIDGET / "dist/docs-chat.js").read_bytes()).digest()
    assert found["integrity"] == f"sha384-{base64.b64encode(digest).decode()}"
    assert found["data-endpoint"] == ENDPOINT
    assert {name for name in found if name.startswith("data-")} == {"data-endpoint"}


def test_options_become_the_elements_attributes(tools: None) -> None:
    options = {"heading": "Ask us", "hotkey": "off", "selection": False, "strings": {"send": "Go"}}
    found = attributes({"endpoint": ENDPOINT, **options})
    assert found["data-heading"] == "Ask us"
    assert found["data-hotkey"] == "off"
    assert found["data-selection"] == "off"
    assert found["data-strings"] == '{"send":"Go"}'


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "endpoint must be the chat's address"),
        ({"endpoint": "chat.example.com"}, "endpoint must be"),
        ({"endpoint": "javascript:alert(1)"}, "endpoint must be"),
        ({"endpoint": ENDPOINT, "hotkey": "ctrl+i"}, "hotkey must be one letter"),
        ({"endpoint": ENDPOINT, "selection": "off"}, "selection must be true or false"),
        ({"endpoint": ENDPOINT, "strings": {"lunch": "Ask"}}, "strings must have known names"),
        ({"endpoint": ENDPOINT, "endpint": ENDPOINT}, "there is no option endpint"),
    ],
)
def test_a_wrong_option_is_named(tools: None, options: dict[str, Any], words: str) -> None:
    done = call(options)
    assert done.returncode != 0
    assert f"docchat-widget: {words}" in done.stderr


def test_the_package_holds_what_it_names(tools: None) -> None:
    packed = json.loads(npm.run("npm", "pack", "--dry-run", "--json", "--ignore-scripts"))
    paths = {file["path"] for file in packed[0]["files"]}
    exports = json.loads((WIDGET / "package.json").read_text())["exports"]
    docusaurus = exports["./docusaurus"]
    for path in (exports["."], docusaurus["types"], docusaurus["default"]):
        assert path.removeprefix("./") in paths
    assert "dist/strings/ja.json" in paths
    assert not any(path.startswith("src/") for path in paths)
