"""The chat function on a machine whose wall clock jumps an hour at every look."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

_FUNCTION = Path(__file__).parents[3] / "functions/chat/main.py"


def _jumping(now: float) -> Iterator[float]:
    for hours in itertools.cycle((1, -1)):
        now += hours * 3600 + 0.001
        yield now


# Before anything of ours is imported. There is no other way to another clock for one process.
time.time = _jumping(time.time()).__next__

chat = run_path(str(_FUNCTION))["chat"]
