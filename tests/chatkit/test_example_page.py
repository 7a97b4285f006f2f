"""The example page's own script, in Node: ChatKit is not there, but what it would be given is."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chatkit.conftest import QUESTION, Json, Page, lines_of, said, within
from tests.servers import ROOT

# Node has no page; ChatKit's element would take the options.
BEFORE = """
globalThis.localStorage = {};
globalThis.customElements = { whenDefined: async () => {} };
let options;
globalThis.document = { querySelector: () => ({ setOptions: (given) => (options = given) }) };
"""
AFTER = """
const input = INPUT;
async function send(type, params) {
  const body = JSON.stringify({ type, params });
  const headers = { "Content-Type": "application/json" };
  const response = await options.api.fetch(options.api.url, { method: "POST", headers, body });
  const text = await response.text();
  await new Promise((wait) => setTimeout(wait, 50));
  return { status: response.status, text };
}
const first = await send("threads.create", { input });
const thread_id = first.text.match(/thr_[0-9a-f]{32}/)[0];
const item_id = first.text.match(/msg_[0-9a-f]{32}/)[0];
const second = await send("threads.add_user_message", { thread_id, input });
const read = await send("threads.get_by_id", { thread_id });
const again = await send("threads.retry_after_item", { thread_id, item_id });
const left = await send("threads.get_by_id", { thread_id });
await send("threads.delete", { thread_id });
const gone = await send("threads.get_by_id", { thread_id });
console.log(JSON.stringify({ first, second, read, again, left, gone }));
"""


def test_the_pages_fetch_carries_the_conversation(page: Page, log: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("SKIPPED: Node is not installed")
    before = len(lines_of(log, "request"))
    example = (ROOT / "widget/chatkit.html").read_text()
    script = re.findall(r'<script type="module">(.*?)</script>', example, flags=re.DOTALL)[0]
    script = script.replace("http://127.0.0.1:8080", page.url)
    program = tmp_path / "page.mjs"
    program.write_text(BEFORE + script + AFTER.replace("INPUT", json.dumps(said(QUESTION))))
    done = subprocess.run([node, program], capture_output=True, text=True, check=True)
    got: dict[str, Json] = json.loads(done.stdout)
    assert within(2.0, lambda: len(lines_of(log, "request")) >= before + len(got))
    for streamed in ("first", "second", "again"):
        assert page.events(got[streamed]["text"])[-1]["type"] == "thread.item.done"
    kept = [len(json.loads(got[name]["text"])["items"]["data"]) for name in ("read", "left")]
    assert kept == [4, 2]
    assert got["gone"]["status"] == 404
    tokens = [line.get("input_tokens") for line in lines_of(log, "request")[before:]]
    asked = list(filter(None, tokens))
    assert asked[0] == asked[2] < asked[1] - 30
