"""The limits of /chat hold for ChatKit."""

import httpx
from starlette.datastructures import State

from emulators.gemini.script import generation
from tests.chatkit.conftest import QUESTION, STREAM, Check, Page, Serve, problem_of, said
from tests.functions.conftest import ORIGIN


def test_slots_rate_and_origins_are_those_of_chat(serve: Serve, check: Check, state: State) -> None:
    body = {"type": "threads.create", "params": {"input": said(QUESTION)}}
    origin = {"Origin": ORIGIN}
    state.faults.add(STREAM, generation(say=("word ",) * 1000), times=1)
    with serve(MAX_STREAMS="1", RATE_LIMIT_PER_MINUTE="1", RATE_LIMIT_BURST="5") as url:
        page = Page(url, check)
        evil = {"Origin": "https://evil.example"}
        refused = httpx.post(f"{url}/chatkit", json=body, headers=evil, timeout=60)
        assert problem_of(refused) == (403, "origin-not-allowed")
        assert page.get("threads", "threads.list", {})["data"] == []
        with httpx.stream(
            "POST", f"{url}/chatkit", json=body, headers=origin, timeout=60
        ) as response:
            assert response.headers["access-control-allow-origin"] == ORIGIN
            lines = response.iter_lines()  # held: what is let go of is closed
            assert next(line for line in lines if "text_delta" in line)
            full = httpx.post(f"{url}/chatkit", json=body, headers=origin, timeout=60)
            assert problem_of(full) == (503, "overloaded")
            assert full.headers["access-control-allow-origin"] == ORIGIN
            # Reading needs no slot.
            assert page.send("threads.list", {}).status_code == 200
        assert problem_of(page.send("threads.list", {})) == (429, "rate-limited")
