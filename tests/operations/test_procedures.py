"""Each procedure of docs/operations.md, carried out as it is written there."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.operations.conftest import PAGE, QUESTION, Procedure, Shop
from tests.servers import ROOT, clean_environment, functions_framework

GENERATE = "streamGenerateContent"


def within(seconds: float, holds: Callable[[], object]) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not holds():
        time.sleep(0.05)
    return bool(holds())


def test_every_procedure_of_the_page_is_carried_out_here() -> None:
    numbered = re.findall(
        r"^## [^\n]*\{#(\w+)\}\n(?:(?!\n## ).)*?\n1\. ", PAGE, re.MULTILINE | re.DOTALL
    )
    here = Path(__file__).read_text()
    assert len(numbered) == 8
    assert [name for name in numbered if f'Procedure.named("{name}")' not in here] == []


def test_the_switch_stops_the_model_and_is_seen_from_outside(shop: Shop) -> None:
    steps = Procedure.named("switch")
    with shop.deployed(**steps.settings) as searching:
        assert shop.run(steps.commands[0], CHAT=searching.url) == "search"
        before = shop.sites.gemini.faults.calls[GENERATE]
        assert searching.ask()["outcome"] == "degraded"
        assert shop.sites.gemini.faults.calls[GENERATE] == before
    with shop.deployed(CHAT_MODE="off") as off:
        assert off.ask()["type"] == "urn:docchat:problem:switched-off"


def test_a_used_up_budget_is_seen_in_the_log_and_raised(shop: Shop) -> None:
    steps, lines = Procedure.named("budget"), Procedure.named("log")
    with shop.deployed(DAILY_TOKEN_BUDGET="7000") as chat:
        outcomes = [chat.ask()["outcome"]]
        while outcomes[-1] == "answered":
            outcomes.append(chat.ask()["outcome"])
            assert len(outcomes) < 40
        (shop.folder / "printed.log").write_bytes(chat.log.read_bytes())
    assert outcomes[-1] == "degraded"
    shop.run(lines.commands[1])
    spent = json.loads(shop.run(steps.commands[0]))
    assert spent["tokens"] > 0
    assert spent["usd"] > 0
    assert (spent["answers"], spent["degraded"]) == (len(outcomes), 1)
    with shop.deployed(**steps.settings) as chat:
        assert chat.ask()["outcome"] == "answered"


def test_the_callers_key_is_rotated(shop: Shop) -> None:
    steps, store = Procedure.named("keys"), shop.sites.store
    store.rotate("callers", b"old-key-of-callers")
    secret = "projects/p/secrets/callers/versions/latest"
    with_keys = shop.sites.with_secrets("operated")
    with shop.deployed(**with_keys, API_KEY_SECRET=secret, SECRET_TTL_S="0.2") as chat:

        def taken(key: str) -> bool:
            return shop.run(steps.commands[1], NEW_KEY=key, CHAT=chat.url) == "200"

        assert taken("old-key-of-callers")
        assert not taken("new-key-of-callers")
        store.rotate("callers", b"new-key-of-callers")
        assert within(10, lambda: taken("new-key-of-callers"))
        assert not taken("old-key-of-callers")
        store.disable("callers", 1)
        assert taken("new-key-of-callers")


def test_an_index_is_rolled_back_under_a_running_chat(shop: Shop) -> None:
    steps = Procedure.named("index")
    job = Procedure.named("embedding").commands[0].splitlines()[-1]
    page = shop.folder / "docs/guides/rotate-keys.md"
    well = page.read_text()
    ask = {"QUESTION": QUESTION}
    with shop.deployed() as chat:
        right = shop.run(steps.commands[1], CHAT=chat.url, **ask)
        assert "rotate-keys#new-key" in right
        page.write_text("# Rotating the signing key\n\nThis page was lost.\n")
        shop.run(f"{job} --allow-shrink")
        assert shop.run(steps.commands[1], CHAT=chat.url, **ask) != right
        shop.run(steps.commands[0])
        assert shop.run(steps.commands[1], CHAT=chat.url, **ask) == right
        page.write_text(well)


def test_a_release_is_rolled_back_onto_the_same_index(shop: Shop, tmp_path: Path) -> None:
    steps = Procedure.named("release")
    folder, older = tmp_path / "older", last_release()
    if not older:
        pytest.skip("SKIPPED: there is no older release without the repository's history")
    made = clean_environment({"FOLDER": str(folder), "RELEASE": older})
    subprocess.run(["/bin/bash", "-ec", steps.commands[0]], cwd=ROOT, env=made, check=True)
    try:
        variables = {**shop.sites.environment, "PYTHONPATH": str(folder)}
        with (
            shop.deployed() as newer,
            functions_framework("chat", variables, source=folder, cwd=tmp_path) as url,
            functions_framework("health", variables, source=folder, cwd=tmp_path) as health,
        ):
            assert shop.run(steps.commands[1], HEALTH=f"{health}/health") == "ok"
            answer = httpx.post(f"{url}/chat", json={"query": QUESTION}, timeout=60).json()
            assert answer["outcome"] == "answered"
            assert answer["sources"] == newer.ask()["sources"]
    finally:
        remove = ["git", "worktree", "remove", "--force", str(folder)]
        subprocess.run(remove, cwd=ROOT, check=True)


def last_release() -> str:
    """The last tag, or without one the commit before this one; "" where there is no history."""
    for told in (["describe", "--tags", "--abbrev=0", "HEAD~1"], ["rev-parse", "HEAD~1"]):
        command = ["git", *told]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    return ""


def test_another_generative_model_answers_and_a_wrong_name_is_seen(shop: Shop) -> None:
    steps = Procedure.named("model")
    faults = shop.sites.gemini.faults
    with shop.deployed(**steps.settings) as chat, shop.health(**steps.settings) as health:
        faults.requests.clear()
        assert chat.ask()["outcome"] == "answered"
        asked = [call.url for call in faults.requests if GENERATE in call.url]
        assert asked
        assert all(f"/{steps.settings['GENERATIVE_MODEL']}:" in url for url in asked)
        assert shop.run(steps.commands[0], HEALTH=health) == "ok"
    with shop.health(GENERATIVE_MODEL="gemini-9-imagined") as health:
        assert shop.run(steps.commands[0], HEALTH=health) == "model-missing"


def test_another_embedding_model_takes_over_without_a_gap(shop: Shop) -> None:
    steps = Procedure.named("embedding")
    index, look, remove = steps.commands
    with shop.deployed() as old:
        shop.run(index)
        assert old.ask()["outcome"] == "answered"
        with shop.deployed(**steps.settings) as new, shop.health(**steps.settings) as health:
            assert shop.run(look, HEALTH=health) == "ok"
            assert old.ask()["sources"] == new.ask()["sources"]
            shop.run(remove)
            assert new.ask()["outcome"] == "answered"
            assert old.ask()["type"] == "urn:docchat:problem:index-unavailable"
    shop.run(index.splitlines()[-1])  # the other procedures want the old one


def test_the_log_is_read_with_the_commands_of_the_page(shop: Shop) -> None:
    steps = Procedure.named("log")
    export, keep, outcomes, causes, one, slow = steps.commands
    with shop.deployed() as chat:
        answer = chat.ask()
        shop.sites.gemini.accepts("another-key")
        refused = chat.ask()
        shop.sites.gemini.accepts(shop.sites.key)
        (shop.folder / "printed.log").write_bytes(chat.log.read_bytes())
    shop.run(keep)
    assert shop.run(outcomes).split()[-2:] == ["1", "answered"]
    assert "assistant-unavailable" in shop.run(causes)
    assert json.loads(shop.run(one, REQUEST_ID=answer["id"]))["outcome"] == "answered"
    assert json.loads(shop.run(one, REQUEST_ID=refused["request_id"]))["severity"] == "CRITICAL"
    assert json.loads(shop.run(slow))["first"] > 0
    # Cloud Logging's export has the same lines in its own envelope.
    lines = (shop.folder / "log.jsonl").read_text()
    entries = [{"jsonPayload": json.loads(line)} for line in lines.splitlines()]
    (shop.folder / "export.json").write_text(json.dumps(entries))
    shop.run(re.sub(r"gcloud .*?\|", "cat export.json |", export, flags=re.DOTALL))
    assert (shop.folder / "log.jsonl").read_text() == lines
