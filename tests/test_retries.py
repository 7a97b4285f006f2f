import time

import pytest

from docchat.deadlines import Deadline, TimeLimits
from docchat.errors import (
    AssistantUnavailable,
    IndexUnavailable,
    KeyRefused,
    ServiceError,
    ShuttingDown,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
    UpstreamTruncated,
)
from docchat.retries import Retries, RetryBudget


def at_once(_least: float, _most: float) -> float:
    return 0.0


def retries(budget: RetryBudget | None = None, *, left_s: float = 12.0) -> Retries:
    deadline = Deadline(TimeLimits(first_token=left_s))
    return Retries(budget or RetryBudget(), deadline, uniform=at_once)


async def granted(tries: Retries, failure: ServiceError) -> int:
    """How often the failed call may be made again."""
    count = 0
    while True:
        try:
            await tries.wait(failure)
        except type(failure):
            return count
        count += 1


@pytest.mark.parametrize(
    ("failure", "count"),
    [
        (UpstreamTimeout("slow"), 2),
        (UpstreamBusy("503"), 2),
        (UpstreamBusy("429", retries=1), 1),
        (UpstreamBadResponse("500"), 2),
        (UpstreamBadResponse("400", retries=0), 0),
        (UpstreamTruncated("cut off"), 2),
        (IndexUnavailable("refused"), 1),
        (IndexUnavailable("none", reason="collection-missing"), 0),
        (AssistantUnavailable("no such model"), 0),
        (KeyRefused("401"), 0),
        (ShuttingDown("going"), 0),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_failure_knows_how_many_retries_it_is_worth(
    failure: ServiceError, count: int
) -> None:
    assert await granted(retries(), failure) == count


async def test_the_retries_of_one_request_are_counted_over_all_its_calls() -> None:
    tries = retries()
    await tries.wait(UpstreamTimeout("embedding"))
    assert await granted(tries, UpstreamTimeout("search")) == 1


async def test_a_retry_waits_as_long_as_the_upstream_asks() -> None:
    started = time.monotonic()
    await retries().wait(UpstreamBusy("429", wait_s=0.05))
    assert time.monotonic() - started >= 0.05


async def test_a_wait_that_does_not_fit_is_not_begun_and_told_to_the_caller() -> None:
    failure = UpstreamBusy("429", wait_s=31.2)
    budget = RetryBudget(in_hand=1)
    started = time.monotonic()
    assert await granted(retries(budget, left_s=12), failure) == 0
    assert time.monotonic() - started < 1.0
    assert failure.retry_after == 32
    assert budget.spend()  # nothing was taken from it


async def test_without_a_word_from_the_upstream_the_wait_is_random_within_bounds() -> None:
    asked: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        asked.append((least, most))
        return 0.0

    await Retries(RetryBudget(), Deadline(TimeLimits()), uniform=uniform).wait(UpstreamBusy("503"))
    assert asked == [(0.1, 0.8)]


def test_ten_requests_earn_one_retry() -> None:
    budget = RetryBudget(in_hand=1)
    assert budget.spend()
    for _ in range(9):
        budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    assert not budget.spend()


def test_no_more_retries_are_saved_up_than_in_hand_at_the_start() -> None:
    budget = RetryBudget(in_hand=3)
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


async def test_with_everything_failing_a_thousand_requests_make_at_most_a_tenth_more_calls() -> (
    None
):
    budget, calls = RetryBudget(), 0
    for _ in range(1000):
        calls += 1 + await granted(retries(budget), UpstreamBusy("503"))
    assert calls <= 1000 + 100 + 10
