"""The npm package's Docusaurus plugin, as Docusaurus calls it."""

import json
import subprocess
from html import unescape
from typing import Any

import pytest

from tests.widget import npm
from tests.widget.npm import WIDGET

ENDPOINT = "https://chat.example.com"
CALL = """
const plugin = require("./docusaurus/index.cjs");
const { locale, options } = JSON.parse(process.argv[1]);
const valid = plugin.validateOptions({ options: { id: "default", ...options } });
const made = plugin({ i18n: { currentLocale: locale } }, valid);
console.log(JSON.stringify({ ...made.injectHtmlTags(), modules: made.getClientModules() }));
"""


def call(options: dict[str, Any], locale: str = "en") -> subprocess.CompletedProcess[str]:
    told = json.dumps({"locale": locale, "options": options})
    return subprocess.run(
        ["node", "-e", CALL, told],  # noqa: S607 - node's place differs
        cwd=WIDGET,
        capture_output=True,
        text=True,
        check=False,
    )


def element(options: dict[str, Any], locale: str = "en") -> str:
    done = call(options, locale)
    assert done.returncode == 0, done.stderr
    (tag,) = json.loads(done.stdout)["postBodyTags"]
    return unescape(tag)


def test_every_page_gets_the_element_and_the_program_that_defines_it(tools: None) -> None:
    made = json.loads(call({"endpoint": ENDPOINT}).stdout)
    assert made["headTags"][0]["attributes"] == {"rel": "preconnect", "href": ENDPOINT}
    assert made["postBodyTags"][0].startswith(f'<docs-chat endpoint="{ENDPOINT}" strings="')
    assert [module.endswith("docusaurus/client.mjs") for module in made["modules"]] == [True]


def test_it_speaks_the_locale_that_is_built(tools: None) -> None:
    assert '"launch":"KI fragen"' in element({"endpoint": ENDPOINT}, "de-AT")
    assert '"launch":"Los"' in element({"endpoint": ENDPOINT, "strings": {"launch": "Los"}}, "de")
    assert "strings={}" in element({"endpoint": ENDPOINT}, "nl").replace('"', "")


def test_an_option_cannot_break_out_of_its_attribute(tools: None) -> None:
    made = json.loads(call({"endpoint": ENDPOINT, "heading": '"><script>'}).stdout)
    assert "<script" not in made["postBodyTags"][0]
    assert '"><' not in made["postBodyTags"][0].removesuffix("></docs-chat>")


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
    assert "docusaurus/client.mjs" in paths
    assert "dist/strings/ja.json" in paths
    assert not any(path.startswith("src/") for path in paths)
