"""Ask a running docchat a question and watch the answer arrive.

    python -m scripts.ask "How do I rotate the Gemini key?"

Exit codes: 0 answered, 1 the request failed, 2 wrong arguments, 3 the docs do not say.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from rich.console import Console

from scripts.console import complain, say

OK, FAILED, NO_ANSWER = 0, 1, 3
EMULATED_HEADER = "x-docchat-emulated"
_TIMEOUT_S = 60.0


class AskError(Exception):
    """The question was not answered; the message is for a person."""


def stream_parts(url: str, question: str, *, console: Console) -> Iterator[dict[str, Any]]:
    """The parts of the UI message stream, as they arrive.

    Raises:
        AskError: nothing answered, or with an error.
    """
    request = {"query": question}
    headers = {"Accept": "text/event-stream"}
    try:
        with httpx.stream(
            "POST", f"{url}/chat", json=request, headers=headers, timeout=_TIMEOUT_S
        ) as response:
            if response.is_error:
                raise AskError(_detail(response))
            if EMULATED_HEADER in response.headers:
                say(console, f"({response.headers[EMULATED_HEADER]})", style="dim")
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line.removeprefix("data: "))
    except httpx.HTTPError as exc:
        raise AskError(f"{url} does not answer ({type(exc).__name__}). Start it: make run") from exc


def _detail(response: httpx.Response) -> str:
    response.read()
    try:
        problem = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    return f"{problem['detail']} (HTTP {response.status_code}, request {problem['request_id']})"


def ask(url: str, question: str, *, console: Console) -> str:
    """Print the answer piece by piece, then its sources; returns the outcome.

    Raises:
        AskError: the question was not answered.
    """
    sources: list[dict[str, Any]] = []
    outcome = ""
    for part in stream_parts(url, question, console=console):
        match part["type"]:
            case "text-delta":
                console.print(part["delta"], end="", markup=False, highlight=False, soft_wrap=True)
            case "source-url":
                sources.append(part)
            case "finish":
                outcome = part["messageMetadata"]["outcome"]
            case "error":
                console.print()
                raise AskError(json.loads(part["errorText"])["detail"])
    console.print()
    if not outcome:
        raise AskError("The stream ended before the answer did.")
    for source in sources:
        say(console, f"  [{source['sourceId']}] {source['title']}")
        say(console, f"      {source['url']}")
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.ask",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question")
    port = os.environ.get("PORT", "8080")
    parser.add_argument("--url", default=f"http://127.0.0.1:{port}", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the plain JSON answer")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        if options.json:
            return _print_json(options.url, options.question)
        outcome = ask(options.url, options.question, console=console)
    except AskError as exc:
        complain(Console(stderr=True), str(exc))
        return FAILED
    return OK if outcome in {"answered", "partial"} else NO_ANSWER


def _print_json(url: str, question: str) -> int:
    try:
        response = httpx.post(f"{url}/chat", json={"query": question}, timeout=_TIMEOUT_S)
    except httpx.HTTPError as exc:
        raise AskError(f"{url} does not answer ({type(exc).__name__}). Start it: make run") from exc
    print(response.text)
    return OK if response.is_success else FAILED


if __name__ == "__main__":
    sys.exit(main())
