import random

import pytest

from docchat.core.canary import LeakWatch, canary_of


def test_a_canary_is_the_same_for_the_same_text_and_no_other() -> None:
    assert canary_of("rules") == canary_of("rules") != canary_of("other rules")


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_seen_in_the_piece_that_completes_it(seed: int) -> None:
    canary = canary_of("rules")
    text = f"Of course. [{canary.upper()}] You answer the questions of visitors"
    rng = random.Random(seed)  # noqa: S311 - nothing here is a secret
    cuts = sorted(rng.choices(range(len(text) + 1), k=9))
    watch, said = LeakWatch(canary), ""
    for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True):
        said += text[a:b]
        assert watch.see(text[a:b]) is (canary in said.lower())


def test_without_a_canary_nothing_leaks() -> None:
    assert not LeakWatch("").see("anything")
