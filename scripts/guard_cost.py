"""What the guards of an answer cost: the input gate, the prompt, and the filters on the stream.

    python -m scripts.guard_cost

Prints milliseconds a request and microseconds an event. A request is a conversation at the API's
limits, with an answer of 2,000 characters, dense with markup, in pieces of 60. The times are the
processor's; an event's is the median of its repetitions.

Exit codes: 0 within the limits, 1 not.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from docchat.answering import HISTORY_CHARS
from docchat.core.abstention import AbstentionDetector
from docchat.core.canary import LeakWatch
from docchat.core.conversation import recent
from docchat.core.models import Chunk, Passage
from docchat.core.output_filter import OutputFilter, readable
from docchat.core.prompt import compose
from docchat.web.requests import MAX_HISTORY_TURNS, parse_question

MOST_MS, MOST_US = 5.0, 50.0
"""For the 99th percentile of a request, and for the mean of its events."""

_REQUESTS = 300
_PARAGRAPH = """\
To **install** the client, run `npm install --save lighthouse` in the folder of your project [2]. \
The [guide](https://d.example/guide#start) has `--force`, see https://example.com/flags [9].

```sh
npm install --save lighthouse && lighthouse --help
```

1. Open the *settings* page, and choose the region that is next to you [1][3].
2. Press `Save`; then wait until the light is green [4].

"""
_ANSWER = _PARAGRAPH * 5
_PIECE = 60  # characters


def main() -> int:
    """Measure and print; returns the exit code."""
    passages = [_passage(n) for n in range(1, 16)]
    asked = _conversation()
    gates = [_ms(lambda: _ask(asked, passages)) for _ in range(_REQUESTS)]
    answers = [_answer(passages) for _ in range(_REQUESTS)]
    requests = [gate + sum(events) for gate, events in zip(gates, answers, strict=True)]
    events = [1000 * statistics.median(repeated) for repeated in zip(*answers, strict=True)]
    worst, mean = _p99(requests), statistics.fmean(events)
    print(f"request: p50 {statistics.median(requests):.2f} ms, p99 {worst:.2f} ms")
    print(f"  of it, the gate and the prompt: p99 {_p99(gates):.2f} ms")
    print(f"event: mean {mean:.1f} us, worst {max(events):.1f} us; {len(events)} an answer")
    return 0 if worst <= MOST_MS and mean <= MOST_US else 1


def _ask(body: dict[str, Any], passages: list[Passage]) -> None:
    question = parse_question(body)
    kept = recent(question.history, max_chars=HISTORY_CHARS)
    compose(replace(question, history=kept), passages, marker="0" * 32, site_name="Site")


def _answer(passages: list[Passage]) -> list[float]:
    """The milliseconds of each event."""
    shown, declared = OutputFilter(passages), AbstentionDetector()
    watch = LeakWatch("ref-0123456789abcdef")

    def take(piece: str) -> None:
        text = readable(piece)
        watch.see(text)
        shown.feed(declared.feed(text))

    times = [_ms(lambda piece=piece: take(piece)) for piece in _pieces()]  # type: ignore[misc]
    return [*times, _ms(shown.close)]


def _pieces() -> Iterator[str]:
    return (_ANSWER[at : at + _PIECE] for at in range(0, len(_ANSWER), _PIECE))


def _passage(n: int) -> Passage:
    url = f"https://d.example/p{n}#part"
    return Passage(Chunk(f"id-{n}", "p.md", url, "Title", ("Part",), _PARAGRAPH), 1.0)


def _conversation() -> dict[str, Any]:
    said = (_PARAGRAPH * 4)[:1500]
    roles = ["user", "assistant"] * (MAX_HISTORY_TURNS // 2) + ["user"]
    return {"messages": [{"role": role, "content": said} for role in roles]}


def _ms(work: Callable[[], object]) -> float:
    started = time.process_time_ns()
    work()
    return (time.process_time_ns() - started) / 1e6


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


if __name__ == "__main__":
    sys.exit(main())
